"""Rehearsal: a declared environment, brought up, changed and destroyed on the local cloud.

Owns what is replaced for it (`overlay`), its steps (`story`) and what a reviewer reads of it
(`summary`). Does not own the local cloud, nor the removal of the rehearsal's home (`tools`).
"""
