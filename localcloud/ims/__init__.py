"""Local IMS: the identity providers of the account.

Owns OIDC providers, which STS uses to verify tokens (`localcloud.sts.oidc`). It has no users,
groups or SAML providers.
"""
