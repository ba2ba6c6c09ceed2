"""RAM: roles, policies and their attachment.

Owns the records that ``localcloud.core.access`` evaluates. The account's own key may do everything;
there are no RAM users and no system policies.
"""

__all__: list[str] = []
