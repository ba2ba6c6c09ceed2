"""RAM: roles, policies and their attachments.

Owns the records that ``localcloud.core.access`` evaluates. The account's own key may do everything.
The local cloud has no RAM users and no system policies.
"""

__all__: list[str] = []
