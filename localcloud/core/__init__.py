"""What every service of the local cloud is built on: stores, identities, processes, errors."""
