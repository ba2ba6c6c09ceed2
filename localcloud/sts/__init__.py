"""STS: role sessions for callers of the API.

Owns AssumeRole, AssumeRoleWithOIDC and GetCallerIdentity. Does not own sessions, nor the
credentials URIs of nodes and pods (``localcloud.core.access``).
"""

__all__: list[str] = []
