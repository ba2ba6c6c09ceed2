"""Tear-down: a stack removed, and the proof that nothing of it is left.

Owns consent, the order of the steps (`removal`), the leak check (`leaks`) and the sweeper of what
has outlived its time (`sweep`). Does not own the local cloud's own files and processes (`tools`).
"""
