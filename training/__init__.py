"""What runs on PAI: the tuning of the embedding model, its evaluation, and the DLC job specs.

Owns the training scripts and how a DLC job starts them. Does not own chunks, metrics or
retrieval (`rag`), nor the creation of jobs (`providers`). Never imports pulumi. Importing
`training` or `training.job_specs` loads neither torch nor a web stack: `infra` reads the specs
at preview.
"""

__all__: list[str] = []
