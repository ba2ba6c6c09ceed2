"""The data plane as a library: read, chunk, embed, ingest, retrieve, fuse, generate, chat app.

Owns what happens to documents and questions once the infrastructure stands. Does not own training
(`training`), the clients of the cloud (`providers.clients`) or anything of Pulumi, which this
package never imports. Importing `rag` loads nothing: every module is imported by its own name, so
that `rag.index`, `rag.models` and `rag.metrics` stay usable where torch and the web stack are not.
"""

__all__: list[str] = []
