"""Resource types of PAI: workspace, dataset, model and model version.

Ids and outputs follow the cloud provider: a model version's id is ``<model id>:<version name>``.
"""

from __future__ import annotations

from typing import Any, ClassVar

from localcloud.aiworkspace.entities import DATASET, MODEL, VERSION, WORKSPACE, Kind
from localcloud.aiworkspace.models import AIWorkSpace
from localcloud.core.errors import CloudError
from localcloud.core.resources import Context, Created, Properties, ResourceHandler


def _wire(inputs: Properties, renamed: dict[str, str]) -> dict[str, Any]:
    """Return the inputs by field name of the API."""
    fields: dict[str, Any] = {}
    for name, value in inputs.items():
        if name == "labels":
            value = [{"Key": item.get("key"), "Value": item.get("value")} for item in value]
        fields[renamed.get(name, name[0].upper() + name[1:])] = value
    return fields


class _EntityHandler(ResourceHandler):
    """A resource that is one AIWorkSpace entity.

    Attributes:
        kind: The kind of entity.
        renamed: The fields of inputs whose field is not the capitalized name.
        computed: The fields of outputs that are not inputs.
    """

    kind: ClassVar[Kind]
    renamed: ClassVar[dict[str, str]] = {}
    computed: ClassVar[dict[str, str]] = {}

    def create(self, inputs: Properties, context: Context) -> Created:
        """Create it, as the kind's Create operation does."""
        record = AIWorkSpace(context).create(self.kind, _wire(inputs, self.renamed))
        return Created(record[self.kind.id_field], self._outputs(record))

    def read(self, id: str, outputs: Properties, context: Context) -> Properties | None:
        """Read it, as the kind's Get operation does."""
        record = AIWorkSpace(context).table(self.kind).get(id)
        return None if record is None else self._outputs(record)

    def update(
        self, id: str, outputs: Properties, inputs: Properties, context: Context
    ) -> Properties:
        """Change it and its labels, as the kind's Update operation does."""
        entities = AIWorkSpace(context)
        fields = _wire(inputs, self.renamed)
        record = entities.table(self.kind).get(id) or {}
        changed = {name: value for name, value in fields.items() if record.get(name) != value}
        labels = changed.pop("Labels", None)
        entities.update(self.kind, id, changed)
        gone = self._fields() & self.kind.changeable - fields.keys() - self.kind.defaults.keys()

        def finish(current: Properties | None) -> Properties:
            kept = {key: value for key, value in (current or {}).items() if key not in gone}
            return kept if labels is None else kept | {"Labels": labels}

        return self._outputs(entities.table(self.kind).update(id, finish) or {})

    def delete(self, id: str, outputs: Properties, context: Context) -> None:
        """Delete it, as the kind's Delete operation does."""
        try:
            AIWorkSpace(context).delete(self.kind, id)
        except CloudError as error:
            if error.code != self.kind.not_found:
                raise

    def _fields(self) -> set[str]:
        return {self.renamed.get(name, name[0].upper() + name[1:]) for name in self.effective}

    def _outputs(self, record: Properties) -> Properties:
        names = {
            name: self.renamed.get(name, name[0].upper() + name[1:]) for name in self.effective
        }
        found = {name: record.get(field) for name, field in (names | self.computed).items()}
        labels = found.get("labels")
        if labels:
            found["labels"] = [{"key": item["Key"], "value": item["Value"]} for item in labels]
        return found


class WorkspaceHandler(_EntityHandler):
    """``alicloud:pai/workspaceWorkspace:WorkspaceWorkspace``."""

    token: ClassVar[str] = "alicloud:pai/workspaceWorkspace:WorkspaceWorkspace"
    kind = WORKSPACE
    effective: ClassVar[frozenset[str]] = frozenset(
        {"workspaceName", "description", "envTypes", "displayName", "resourceGroupId"}
    )
    computed: ClassVar[dict[str, str]] = {"createTime": "GmtCreateTime", "status": "Status"}


class DatasetHandler(_EntityHandler):
    """``alicloud:pai/workspaceDataset:WorkspaceDataset``."""

    token: ClassVar[str] = "alicloud:pai/workspaceDataset:WorkspaceDataset"
    kind = DATASET
    renamed: ClassVar[dict[str, str]] = {"datasetName": "Name"}
    effective: ClassVar[frozenset[str]] = frozenset(
        {
            *("datasetName", "workspaceId", "dataSourceType", "property", "uri"),
            *("accessibility", "dataType", "description", "labels", "options"),
            *("sourceId", "sourceType", "userId"),
        }
    )
    computed: ClassVar[dict[str, str]] = {"createTime": "GmtCreateTime"}


class ModelHandler(_EntityHandler):
    """``alicloud:pai/workspaceModel:WorkspaceModel``."""

    token: ClassVar[str] = "alicloud:pai/workspaceModel:WorkspaceModel"
    kind = MODEL
    effective: ClassVar[frozenset[str]] = frozenset(
        {
            *("modelName", "workspaceId", "accessibility", "domain", "extraInfo", "labels"),
            *("modelDescription", "modelDoc", "modelType", "orderNumber", "origin", "task"),
        }
    )


class ModelVersionHandler(_EntityHandler):
    """``alicloud:pai/workspaceModelVersion:WorkspaceModelVersion``."""

    token: ClassVar[str] = "alicloud:pai/workspaceModelVersion:WorkspaceModelVersion"
    kind = VERSION
    effective: ClassVar[frozenset[str]] = frozenset(
        {
            *("modelId", "uri", "versionName", "approvalStatus", "formatType", "frameworkType"),
            *("extraInfo", "inferenceSpec", "labels", "metrics", "options", "sourceId"),
            *("sourceType", "trainingSpec", "versionDescription"),
        }
    )

    def create(self, inputs: Properties, context: Context) -> Created:
        """Create it, as CreateModelVersion does."""
        model_id = inputs["modelId"]
        fields = {name: value for name, value in inputs.items() if name != "modelId"}
        record = AIWorkSpace(context).create_version(model_id, _wire(fields, {}))
        return Created(f"{model_id}:{record['VersionName']}", self._outputs(record))

    def read(self, id: str, outputs: Properties, context: Context) -> Properties | None:
        """Read it, as GetModelVersion does."""
        found = super().read(id, outputs, context)
        return None if found is None else found | {"modelId": id.split(":", 1)[0]}

    def update(
        self, id: str, outputs: Properties, inputs: Properties, context: Context
    ) -> Properties:
        """Change it, as UpdateModelVersion does."""
        model_id = inputs["modelId"]
        fields = {name: value for name, value in inputs.items() if name != "modelId"}
        return super().update(id, outputs, fields, context) | {"modelId": model_id}


HANDLERS: tuple[type[ResourceHandler], ...] = (
    WorkspaceHandler,
    DatasetHandler,
    ModelHandler,
    ModelVersionHandler,
)
