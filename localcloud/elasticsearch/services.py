"""The processes that the daemon keeps running for Elasticsearch.

Owns: which instances have processes after a start of the local cloud. One whose creation was cut
off has none: nobody holds its id, so it is removed.
"""

from __future__ import annotations

from localcloud.core.resources import Context
from localcloud.core.supervisor import ProcessSpec
from localcloud.elasticsearch import engine
from localcloud.elasticsearch.engine import Engine
from localcloud.elasticsearch.resources import TABLE, discard

__all__ = ["services"]


def services(context: Context) -> tuple[ProcessSpec, ...]:
    """Two processes per instance: its gateway and its engine."""
    specs: list[ProcessSpec] = []
    for instance_id, record in context.store.table(TABLE).items():
        if record["ready"]:
            specs.extend(engine.specs(Engine.restored(record["engine"])))
        else:
            discard(instance_id, context)
    return tuple(specs)
