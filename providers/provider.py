"""The explicit provider of the customrag resources: region, endpoints, credentials."""

from __future__ import annotations

from dataclasses import dataclass, field

import pulumi

from .wire import VERSION

__all__ = ["Provider", "ProviderArgs"]


@dataclass(frozen=True, kw_only=True)
class ProviderArgs:
    """Endpoints and credentials of the resources' services.

    Attributes:
        region_id: e.g. ``cn-hangzhou``.
        oss_endpoint: ``[http[s]://]host[:port]``. Default: the region's public endpoint.
        dlc_endpoint: As above, for PAI DLC.
        aiworkspace_endpoint: As above, for PAI AIWorkSpace.
        ess_endpoint: As above, for Auto Scaling.
        elasticsearch_endpoint: As above, for the management of Elasticsearch instances.
        access_key_id: Default: the SDK's credential chain of the process that runs the engine.
        access_key_secret: Kept secret; required with ``access_key_id``.
        security_token: STS token of a temporary key; kept secret.
    """

    region_id: pulumi.Input[str]
    oss_endpoint: pulumi.Input[str] | None = None
    dlc_endpoint: pulumi.Input[str] | None = None
    aiworkspace_endpoint: pulumi.Input[str] | None = None
    ess_endpoint: pulumi.Input[str] | None = None
    elasticsearch_endpoint: pulumi.Input[str] | None = None
    access_key_id: pulumi.Input[str] | None = None
    access_key_secret: pulumi.Input[str] | None = field(default=None, repr=False)
    security_token: pulumi.Input[str] | None = field(default=None, repr=False)


class Provider(pulumi.ProviderResource):
    """The customrag provider.

    Why it exists: a local stack and a cloud stack differ only in endpoints and credentials, which
    are set here. A change of them does not replace any resource. Delete it when every customrag
    resource is gone.
    """

    def __init__(
        self, name: str, args: ProviderArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        props = {
            "regionId": args.region_id,
            "ossEndpoint": args.oss_endpoint,
            "dlcEndpoint": args.dlc_endpoint,
            "aiworkspaceEndpoint": args.aiworkspace_endpoint,
            "essEndpoint": args.ess_endpoint,
            "elasticsearchEndpoint": args.elasticsearch_endpoint,
            "accessKeyId": args.access_key_id,
            "accessKeySecret": _secret(args.access_key_secret),
            "securityToken": _secret(args.security_token),
        }
        versioned = pulumi.ResourceOptions.merge(pulumi.ResourceOptions(version=VERSION), opts)
        super().__init__("customrag", name, props, versioned)


def _secret(value: pulumi.Input[str] | None) -> pulumi.Output[str] | None:
    return None if value is None else pulumi.Output.secret(value)
