"""STS: role sessions for callers of the API.

Owns AssumeRole, AssumeRoleWithOIDC and GetCallerIdentity. Sessions themselves, and the credentials
URIs of nodes and pods, are ``localcloud.core.access``'s.
"""

__all__: list[str] = []
