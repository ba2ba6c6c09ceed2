"""IMS: identity providers of the account.

Owns OIDC providers, which STS asks about tokens (`localcloud.sts.oidc`). There are no users, no
groups and no SAML providers.
"""
