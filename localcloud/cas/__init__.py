"""Local Certificate Management Service (CAS) 2020-04-07: uploaded server certificates.

Owns the certificates and their keys. It does not issue or order certificates.
"""
