"""Faults of the local cloud, injected on purpose: what a cloud refuses on its worst days.

Owns which faults there are, which are on, and the admin API and command that turn them on and off.
What a fault changes is its service's: each asks ``Faults`` before it answers.
"""

from localcloud.faults.faults import KINDS, Fault, FaultError, FaultKind, Faults

__all__ = ["KINDS", "Fault", "FaultError", "FaultKind", "Faults"]
