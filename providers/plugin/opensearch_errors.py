"""What ml-commons' errors mean, in sentences that say what to do.

Owns the table. Its errors were seen on ml-commons 2.19.1, or read in the source of 2.19 and 3.x
(2026-11).
"""

from __future__ import annotations

import json
from typing import Final

__all__ = ["explain"]

_SETTINGS: Final = "Set it with opensearch.ClusterSettings"
_ZIP: Final = "Export the model again: the zip needs exactly one .pt file and tokenizer.json"
_MEMORY: Final = (
    "the nodes have too little free memory for another model. Undeploy other models, give the "
    "nodes a larger heap, or raise plugins.ml_commons.jvm_heap_memory_threshold (85 % by default)"
)

_TABLE: Final[tuple[tuple[str, str], ...]] = (
    (
        "model content changed",
        "the SHA-256 of the zip differs from model_content_hash_value. Upload the zip again, or "
        "correct the hash. A node short of memory gives the same error",
    ),
    ("Can't find model file", f"the zip has no model file. {_ZIP}"),
    ("No tokenizer file", f"the zip has no tokenizer.json. {_ZIP}"),
    ("Find multiple model files", f"the zip has several model files. {_ZIP}"),
    ("Model format is", f"the zip has a file of another format. {_ZIP}, or change model_format"),
    ("zip END header not found", f"model_uri is not a zip, or not a complete one. {_ZIP}"),
    ("Model file size exceeds", "the zip is too large. Use a smaller or a remote model"),
    ("Memory Circuit Breaker is open", _MEMORY),
    # ml-commons before 2.15 says so in place of the breaker's error (its issue 2465).
    (
        "Failed to Validate Access for ModelId",
        f"the user may not use the model, or (before ml-commons 2.15) {_MEMORY}",
    ),
    (
        "Disk Circuit Breaker is open",
        "the nodes have too little free disk. Give them larger disks, or lower "
        "plugins.ml_commons.disk_free_space_threshold (5 GB by default)",
    ),
    (
        "Failed to save pytorch index file",
        "the nodes lack libtorch and cannot fetch it from the Internet. Put libtorch into "
        "ml_cache/pytorch of each node's data folder, or use a remote model",
    ),
    (
        "allow_registering_model_via_url",
        "the cluster does not register models by URL. "
        f"{_SETTINGS}: plugins.ml_commons.allow_registering_model_via_url to true",
    ),
    (
        "URL can't match trusted url regex",
        "the cluster does not trust the URL of the zip. "
        f"{_SETTINGS}: plugins.ml_commons.trusted_url_regex must match it",
    ),
    (
        "o eligible node found",
        "no node may run models. Add nodes with the role ml, or set "
        "plugins.ml_commons.only_run_on_ml_node to false with opensearch.ClusterSettings",
    ),
    (
        "Connector URL is not matching the trusted connector endpoint regex",
        "the cluster does not trust the URL of the connector. "
        f"{_SETTINGS}: plugins.ml_commons.trusted_connector_endpoints_regex must match it",
    ),
    (
        "has private ip address",
        "the cluster does not call private addresses. "
        f"{_SETTINGS}: plugins.ml_commons.connector.private_ip_enabled to true",
    ),
    (
        "Local Model is currently disabled",
        f"the cluster runs no local models. {_SETTINGS}: "
        "plugins.ml_commons.local_model.enabled to true",
    ),
    ("No such file or directory", "a node cannot read model_uri. Check that the file exists there"),
    (
        "Server returned HTTP response code: 403",
        "OSS or the server refused the URL of the zip. Check that the credentials of the provider "
        "may read the object, and that the clocks of the nodes are right",
    ),
    (
        "Connection refused",
        "a node cannot reach the server of model_uri. Check the address and the security group",
    ),
    (
        "Connection timed out",
        "a node cannot reach the server of model_uri. For OSS, set oss_endpoint to an endpoint "
        "that the nodes reach, such as the internal one of the region",
    ),
    ("UnknownHostException", "a node cannot resolve the host of model_uri. Check the address"),
    *(
        (
            text,
            "libtorch of the cluster cannot load the TorchScript. Export it for the libtorch of "
            "the cluster: 1.13.1 on OpenSearch 2.19, 2.5.1 on 3.0 and later",
        )
        for text in (
            "PytorchStreamReader",
            "Unknown builtin op",
            "Unsupported",
            "TorchScript",
            "torch::jit",
            "file format version",
        )
    ),
)


def explain(error: str) -> str:
    """Return a task's or a response's error as a sentence, with its own text.

    Args:
        error: The text. A deployment's is a JSON object of texts by node.
    """
    text = _by_node(error)
    for part, meaning in _TABLE:
        if part in text:
            return f"{meaning}. The cluster's error: {text}"
    return text


def _by_node(error: str) -> str:
    try:
        found = json.loads(error)
    except ValueError:
        return error
    if not isinstance(found, dict):
        return error
    texts = dict.fromkeys(str(text) for text in found.values())
    return f"{'; '.join(texts)} (on {len(found)} node{'s' if len(found) > 1 else ''})"
