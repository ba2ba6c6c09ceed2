"""DashScope in the local cloud: its OpenAI-compatible chat endpoint, on a real language model.

Owns: the endpoint ``/compatible-mode/v1`` (chat completions, models) and the model behind it. It
answers requests for DashScope's native API, embeddings, reranking, files and fine-tunes with an
error that says so.
"""

__all__: list[str] = []
