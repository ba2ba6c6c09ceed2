"""The closed sets that config values come from. Pure: components and policies import it, too."""

from __future__ import annotations

from enum import StrEnum

from rag.engines.kinds import EngineKind

__all__ = [
    "AddressType",
    "EdgeKind",
    "EngineKind",
    "EngineModelKind",
    "Environment",
    "Ocr",
    "PlatformKind",
    "Protocol",
    "RerankerKind",
]


class PlatformKind(StrEnum):
    """Where a stack runs."""

    LOCAL = "local"
    ALICLOUD = "alicloud"


class Environment(StrEnum):
    """What a stack is for. A rehearsal of `dev` is environment `dev` on platform `local`."""

    LOCAL = "local"
    DEV = "dev"
    PROD = "prod"
    PR = "pr"


class Ocr(StrEnum):
    """What recognises pages that are images."""

    NONE = "none"
    TESSERACT = "tesseract"


class RerankerKind(StrEnum):
    """What orders the best passages again before the language model reads them."""

    LATE_INTERACTION = "lateInteraction"
    CROSS_ENCODER = "crossEncoder"
    HOSTED = "hosted"
    NONE = "none"


class EngineModelKind(StrEnum):
    """What embeds the documents of the OpenSearch cluster."""

    TORCHSCRIPT = "torchscript"
    SERVICE = "service"


class Protocol(StrEnum):
    """How clients talk to the search cluster inside the VPC."""

    HTTP = "HTTP"
    HTTPS = "HTTPS"


class AddressType(StrEnum):
    """Where a load balancer can be reached from."""

    INTRANET = "Intranet"
    INTERNET = "Internet"


class EdgeKind(StrEnum):
    """What stands in front of the chat application, close to its users."""

    NONE = "none"
    CLOUDFLARE = "cloudflare"
