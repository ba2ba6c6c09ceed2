"""What is done to stacks from outside the program: rehearsal, tear-down, review, night.

Each runs as `python -m ops.<room>`, started by the `make` targets (`tools`) with the environment of
one stack. The program (`infra`) knows nothing of it.
"""
