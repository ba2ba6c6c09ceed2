"""Night: GPU nodes are stopped, and not billed, in the hours of a stack's `nightHours`.

Owns when it is night (`hours`), and stopping and starting nodes (`nodes`). Does not own how much
that saves (`guardrails.cost`), nor nodes of scaling groups, which the group would replace.
"""
