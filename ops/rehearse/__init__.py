"""Rehearsal: a declared environment, brought up, changed and destroyed on the local cloud.

Owns the replaced values (`overlay`), the steps (`story`) and the report for a reviewer
(`summary`). Does not own the local cloud, nor the removal of the rehearsal's home (`tools`).
"""
