"""Work on stacks from outside the program: updates, rehearsal, tear-down, review, night.

Each room runs as `python -m ops.<room>`. The `make` targets (`tools`) start it with the environment
of one stack. The program (`infra`) does not know it.
"""
