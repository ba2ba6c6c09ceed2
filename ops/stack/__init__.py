"""The work of the `make` targets on one stack: up, preview, down, status, and questions.

Owns the commands, and what `make up` prints at its end. Does not own the set-up of the machine or
the environment of the stack (`tools`), nor the removal of a cloud stack (`ops.teardown`).
"""
