"""Tear-down: the removal of a stack, and the proof that nothing of it is left.

Owns consent, the order of the steps (`removal`), the leak check (`leaks`) and the sweeper of stacks
whose time is over (`sweep`). Does not own the local cloud's own files and processes (`tools`).
"""
