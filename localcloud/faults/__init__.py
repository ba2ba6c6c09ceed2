"""Faults that a user injects into the local cloud, such as sold-out instance types.

Owns the kinds of faults, the active ones, and the command that turns them on and off.
It does not own their effects: each service asks ``Faults`` before it answers.
"""

from localcloud.faults.faults import KINDS, Fault, FaultError, FaultKind, Faults

__all__ = ["KINDS", "Fault", "FaultError", "FaultKind", "Faults"]
