"""Local PAI AIWorkSpace: workspaces, datasets, and the registry of models and their versions.

Owns these records. A dataset or model version only names its data; this package does not read OSS.
"""
