"""A token issuer for the local stack, in place of a company's identity provider.

Owns its keys and their rotation, one-time sign-in codes, the OpenID configuration, the key set
(JWKS) and the token endpoint (RFC 6749, 4.1 and 4.4). It accepts the access key of the local
account or a code, and puts any requested tenant and subject into a token, so it is for this machine
only.
"""
