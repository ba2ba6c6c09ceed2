"""The explicit provider of the customrag resources: region, endpoints, credentials."""

from __future__ import annotations

import pulumi

from .declaration import argument, arguments, sent_values
from .wire import with_plugin

__all__ = ["Provider", "ProviderArgs"]


@arguments
class ProviderArgs:
    """Endpoints and credentials of the resources' services.

    Attributes:
        region_id: e.g. ``cn-hangzhou``.
        oss_endpoint: ``[http[s]://]host[:port]``. Default: the region's public endpoint.
        dlc_endpoint: As above, for PAI DLC.
        ecs_endpoint: As above, for ECS.
        ess_endpoint: As above, for Auto Scaling.
        elasticsearch_endpoint: As above, for the management of Elasticsearch instances.
        access_key_id: Default: the SDK's credential chain of the process that runs the engine.
        access_key_secret: Kept secret; required with ``access_key_id``.
        security_token: STS token of a temporary key; kept secret.
    """

    region_id: pulumi.Input[str] = argument("string")
    oss_endpoint: pulumi.Input[str] | None = argument("string", default=None)
    dlc_endpoint: pulumi.Input[str] | None = argument("string", default=None)
    ecs_endpoint: pulumi.Input[str] | None = argument("string", default=None)
    ess_endpoint: pulumi.Input[str] | None = argument("string", default=None)
    elasticsearch_endpoint: pulumi.Input[str] | None = argument("string", default=None)
    access_key_id: pulumi.Input[str] | None = argument("string", default=None)
    access_key_secret: pulumi.Input[str] | None = argument("string", default=None, secret=True)
    security_token: pulumi.Input[str] | None = argument("string", default=None, secret=True)


class Provider(pulumi.ProviderResource):
    """The customrag provider.

    Why it exists: a local stack and a cloud stack differ only in endpoints and credentials, which
    are set here. A change of them does not replace any resource. Delete it when every customrag
    resource is gone.
    """

    def __init__(
        self, name: str, args: ProviderArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("customrag", name, sent_values(args), with_plugin(opts))
