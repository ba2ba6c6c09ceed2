"""The embedding model as OpenSearch's ml-commons loads it: a zip of a TorchScript and a tokenizer.

Light to import: its modules load torch, this one does not.
"""
