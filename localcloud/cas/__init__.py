"""Certificate Management Service (CAS) 2020-04-07, local: uploaded server certificates.

Owns the certificates and their keys. Issuing and ordering certificates is not to be had here: the
local cloud is no certificate authority.
"""
