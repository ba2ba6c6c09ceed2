"""An issuer of tokens for the local stack, as a company's identity provider would be one.

Owns its keys, their rotation, and three routes: the OpenID configuration, the keys (JWKS) and a
token endpoint for the client-credentials grant (RFC 6749, 4.4). It lets in who has the local
account's access key, and writes into a token whatever tenant and subject it is asked for: it is a
stand-in, for this machine only.
"""
