"""Set-up, the thin `make` targets and the language host: the program imports none of it."""

__all__: list[str] = []
