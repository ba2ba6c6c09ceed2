"""The base of every local cloud service: store, identities, processes, errors."""
