"""The ``cloudflare`` provider of a local stack.

Owns its configuration: ``baseUrl`` locates the stack. Everything else, from check to delete, comes
from the local ``alicloud`` provider.
"""

from __future__ import annotations

import asyncio
from urllib.parse import unquote, urlsplit

from pulumi.provider.experimental import provider as sdk

from localcloud.alicloud.client import DaemonClient
from localcloud.alicloud.provider import AlicloudProvider
from pluginhost import ProviderError, decode_map

# Set by the SDK on every provider resource, some from the user's environment; not used here.
_IGNORED = frozenset(
    {
        "apiKey",
        "apiToken",
        "apiUserServiceKey",
        "email",
        "pluginDownloadURL",
        "userAgentOperatorSuffix",
        "version",
    }
)


class CloudflareProvider(AlicloudProvider):
    """Serves the ``cloudflare`` types from the local cloud."""

    async def check_config(self, request: sdk.CheckRequest) -> sdk.CheckResponse:
        """Accept only the setting that locates the stack."""
        failures = [
            sdk.CheckFailure(
                name, "is not supported by the local cloudflare provider; allowed: ['baseUrl']"
            )
            for name in sorted(request.new_inputs.keys() - {"baseUrl"} - _IGNORED)
        ]
        if "baseUrl" not in request.new_inputs:
            failures.append(
                sdk.CheckFailure(
                    "baseUrl", "is missing; give the file:// URL of the stack's platform.json"
                )
            )
        return sdk.CheckResponse(inputs=request.new_inputs, failures=failures)

    async def configure(self, request: sdk.ConfigureRequest) -> sdk.ConfigureResponse:
        """Find the stack, and start its daemon if necessary."""
        url = decode_map(request.args).get("baseUrl")
        if self._client is None and isinstance(url, str):
            parts = urlsplit(url)
            if parts.scheme != "file":
                raise ProviderError(
                    f"baseUrl of the cloudflare provider is {url!r}; a local stack needs the "
                    "file:// URL of its platform.json"
                )
            path = unquote(parts.path)
            client = await asyncio.to_thread(DaemonClient.of_credentials_file, path)
            await asyncio.to_thread(client.ensure_running)
            self._client = client
        return sdk.ConfigureResponse(
            accept_secrets=True, supports_preview=True, accept_resources=False
        )
