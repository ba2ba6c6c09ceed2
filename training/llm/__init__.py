"""The tuning of a language model, step by step; `training.train_llm` is its command line.

Importing `training.llm`, `training.llm.options` or `training.llm.model_studio` loads no torch.
"""

__all__: list[str] = []
