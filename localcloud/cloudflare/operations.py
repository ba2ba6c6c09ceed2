"""The operations of Cloudflare's API that the local cloud supports."""

from __future__ import annotations

from localcloud.core.operations import Operation

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        service="cloudflare",
        name="user.tokens.verify",
        api="GET /client/v4/user/tokens/verify",
        notes="the token is the local account's secret key",
    ),
    Operation(
        service="cloudflare",
        name="accounts.tokens.verify",
        api="GET /client/v4/accounts/{account_id}/tokens/verify",
        notes="the same token",
    ),
    Operation(
        service="cloudflare",
        name="zones.get",
        api="GET /client/v4/zones/{zone_id}",
        notes="the stack's own zone; name, status, paused, type and account",
    ),
    Operation(
        service="cloudflare",
        name="workers.scripts.list",
        api="GET /client/v4/accounts/{account_id}/workers/scripts",
        notes="names only",
    ),
)
