"""PAI DLC 2020-12-03, local: jobs run as processes, with their data brought from OSS and back."""

from localcloud.paidlc.controller import JobController
from localcloud.paidlc.settings import Settings
from localcloud.paidlc.status import Scenario, StageFault

__all__ = ["JobController", "Scenario", "Settings", "StageFault"]
