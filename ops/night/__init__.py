"""Night: GPU nodes stand still, unbilled, in the hours that a stack's `nightHours` names.

Owns when it is night (`hours`) and the stopping and starting of nodes (`nodes`). Does not own what
that saves (`guardrails.cost`), nor nodes of scaling groups, whose group would replace them.
"""
