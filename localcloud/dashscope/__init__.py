"""DashScope in the local cloud: its OpenAI-compatible chat endpoint, on a real language model.

Owns: the endpoint ``/compatible-mode/v1`` (chat completions, models) and the model behind it. It
does not serve DashScope's native API, embeddings, reranking, files or fine-tunes, and says so.
"""

__all__: list[str] = []
