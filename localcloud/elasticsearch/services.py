"""The processes that the daemon keeps running for Elasticsearch.

Owns: which instances have processes after a start of the local cloud. An instance whose creation
was interrupted is removed, because no caller has its id.
"""

from __future__ import annotations

from localcloud.core.resources import Context
from localcloud.core.supervisor import ProcessSpec
from localcloud.elasticsearch import engine
from localcloud.elasticsearch.engine import Engine
from localcloud.elasticsearch.resources import TABLE, discard

__all__ = ["services"]


def services(context: Context) -> tuple[ProcessSpec, ...]:
    """Return two processes per instance: its gateway and its engine."""
    specs: list[ProcessSpec] = []
    for instance_id, record in context.store.table(TABLE).items():
        if record["ready"]:
            specs.extend(engine.specs(Engine.restored(record["engine"])))
        else:
            discard(instance_id, context)
    return tuple(specs)
