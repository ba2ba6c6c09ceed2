"""Local PAI DLC 2020-12-03: jobs run as processes, and their data is copied from and to OSS."""
