"""Resource types of RAM.

Error codes: https://api.aliyun.com/document/Ram/2015-05-01/CreateRole, .../DeleteRole,
.../CreatePolicy, .../DeletePolicy, .../AttachPolicyToRole (read 2026-11).
"""

from __future__ import annotations

import json
from typing import Any, ClassVar

from localcloud.core.access import ATTACHMENTS, POLICIES, ROLES
from localcloud.core.errors import CloudError, not_supported
from localcloud.core.policies import parse_policy, parse_trust_policy
from localcloud.core.resources import Context, Created, Properties, ResourceHandler
from localcloud.core.times import timestamp


def _required(inputs: Properties, name: str) -> str:
    if not inputs.get(name):
        raise CloudError("MissingParameter", f"The input {name} is mandatory.")
    return str(inputs[name])


class RoleHandler(ResourceHandler):
    """``alicloud:ram/role:Role``; the id is the role's name."""

    token: ClassVar[str] = "alicloud:ram/role:Role"
    effective: ClassVar[frozenset[str]] = frozenset(
        {"roleName", "assumeRolePolicyDocument", "maxSessionDuration", "force"}
    )
    recorded: ClassVar[frozenset[str]] = frozenset({"description", "tags"})

    def create(self, inputs: Properties, context: Context) -> Created:
        """Create the role like CreateRole."""
        name = _required(inputs, "roleName")
        document = self._validated(inputs)
        roles = context.store.table(ROLES)
        with context.store.transaction():
            if roles.get(name) is not None:
                raise CloudError(
                    "EntityAlreadyExists.Role", f"The role already exists: {name}.", 409
                )
            account_id = context.platform.account_id
            roles.put(
                name,
                document
                | {
                    "arn": f"acs:ram::{account_id}:role/{name.lower()}",
                    "role_id": "3" + context.ids.digits(17),
                    "create_time": timestamp(),
                },
            )
        return Created(name, self._outputs(name, roles.get(name) or {}))

    def read(self, id: str, outputs: Properties, context: Context) -> Properties | None:
        """Return the role like GetRole."""
        role = context.store.table(ROLES).get(id)
        return None if role is None else self._outputs(id, role)

    def update(
        self, id: str, outputs: Properties, inputs: Properties, context: Context
    ) -> Properties:
        """Update the role like UpdateRole."""
        document = self._validated(inputs)

        def change(role: Properties | None) -> Properties:
            if role is None:
                raise CloudError("EntityNotExist.Role", f"The role not exists: {id}.", 404)
            return role | document

        return self._outputs(id, context.store.table(ROLES).update(id, change) or {})

    def delete(self, id: str, outputs: Properties, context: Context) -> None:
        """Delete the role like DeleteRole; attached policies prevent it, unless ``force``."""
        with context.store.transaction():
            attachments = context.store.table(ATTACHMENTS)
            attached = [key for key, item in attachments.items() if item["role_name"] == id]
            if attached and not outputs.get("force"):
                raise CloudError(
                    "DeleteConflict.Role.Policy",
                    f"The role {id} still has policies attached: {', '.join(attached)}; detach "
                    "them first.",
                    409,
                )
            for key in attached:
                attachments.delete(key)
            context.store.table(ROLES).delete(id)
        context.access.revoke_role(id)

    @staticmethod
    def _validated(inputs: Properties) -> dict[str, Any]:
        text = _required(inputs, "assumeRolePolicyDocument")
        parse_trust_policy(text)
        return {
            "trust_policy": text,
            "max_session_duration": int(inputs.get("maxSessionDuration", 3600)),
            "description": inputs.get("description", ""),
            "tags": inputs.get("tags", {}),
        }

    @staticmethod
    def _outputs(name: str, role: Properties) -> Properties:
        return {
            "arn": role["arn"],
            "assumeRolePolicyDocument": role["trust_policy"],
            "createTime": role["create_time"],
            "description": role["description"] or None,
            "document": role["trust_policy"],
            "maxSessionDuration": role["max_session_duration"],
            "name": name,
            "roleId": role["role_id"],
            "roleName": name,
            "tags": role["tags"] or None,
        }


class PolicyHandler(ResourceHandler):
    """``alicloud:ram/policy:Policy``; the id is the policy's name."""

    token: ClassVar[str] = "alicloud:ram/policy:Policy"
    effective: ClassVar[frozenset[str]] = frozenset({"policyName", "policyDocument", "force"})
    recorded: ClassVar[frozenset[str]] = frozenset({"description", "rotateStrategy", "tags"})

    def create(self, inputs: Properties, context: Context) -> Created:
        """Create the policy like CreatePolicy."""
        name = _required(inputs, "policyName")
        text = self._validated(inputs)
        policies = context.store.table(POLICIES)
        with context.store.transaction():
            if policies.get(name) is not None:
                raise CloudError(
                    "EntityAlreadyExists.Policy", f"The policy already exists: {name}.", 409
                )
            record = {
                "document": text,
                "description": inputs.get("description", ""),
                "tags": inputs.get("tags", {}),
                "version": 1,
                "create_time": timestamp(),
            }
            policies.put(name, record)
        return Created(name, self._outputs(name, record, context))

    def read(self, id: str, outputs: Properties, context: Context) -> Properties | None:
        """Return the policy like GetPolicy."""
        policy = context.store.table(POLICIES).get(id)
        return None if policy is None else self._outputs(id, policy, context)

    def update(
        self, id: str, outputs: Properties, inputs: Properties, context: Context
    ) -> Properties:
        """Create a version like CreatePolicyVersion, as the new default."""
        text = self._validated(inputs)

        def change(policy: Properties | None) -> Properties:
            if policy is None:
                raise CloudError("EntityNotExist.Policy", f"The policy not exists: {id}.", 404)
            changed = json.loads(policy["document"]) != json.loads(text)
            return policy | {
                "document": text,
                "description": inputs.get("description", ""),
                "tags": inputs.get("tags", {}),
                "version": policy["version"] + (1 if changed else 0),
            }

        policy = context.store.table(POLICIES).update(id, change) or {}
        return self._outputs(id, policy, context)

    def delete(self, id: str, outputs: Properties, context: Context) -> None:
        """Delete the policy like DeletePolicy; attachments prevent it, unless ``force``."""
        with context.store.transaction():
            attachments = context.store.table(ATTACHMENTS)
            attached = [key for key, item in attachments.items() if item["policy_name"] == id]
            if attached and not outputs.get("force"):
                raise CloudError(
                    "DeleteConflict.Policy.Role",
                    f"The policy {id} is still attached: {', '.join(attached)}; detach it first.",
                    409,
                )
            for key in attached:
                attachments.delete(key)
            context.store.table(POLICIES).delete(id)

    @staticmethod
    def _validated(inputs: Properties) -> str:
        text = _required(inputs, "policyDocument")
        parse_policy(text)
        return text

    @staticmethod
    def _outputs(name: str, policy: Properties, context: Context) -> Properties:
        attachments = context.store.table(ATTACHMENTS).values()
        return {
            "attachmentCount": sum(item["policy_name"] == name for item in attachments),
            "createTime": policy["create_time"],
            "defaultVersion": f"v{policy['version']}",
            "description": policy["description"] or None,
            "document": policy["document"],
            "name": name,
            "policyDocument": policy["document"],
            "policyName": name,
            "tags": policy["tags"] or None,
            "type": "Custom",
            "versionId": f"v{policy['version']}",
        }


class RolePolicyAttachmentHandler(ResourceHandler):
    """``alicloud:ram/rolePolicyAttachment:RolePolicyAttachment``; with the provider's id."""

    token: ClassVar[str] = "alicloud:ram/rolePolicyAttachment:RolePolicyAttachment"
    effective: ClassVar[frozenset[str]] = frozenset({"policyName", "policyType", "roleName"})

    def create(self, inputs: Properties, context: Context) -> Created:
        """Attach the policy like AttachPolicyToRole."""
        policy_name, role_name = inputs["policyName"], inputs["roleName"]
        if inputs["policyType"] != "Custom":
            raise not_supported(
                f"policyType {inputs['policyType']!r} (policy {policy_name!r})",
                "attach your own policy with policyType Custom",
            )
        with context.store.transaction():
            context.access.role(role_name)
            if context.store.table(POLICIES).get(policy_name) is None:
                raise CloudError(
                    "EntityNotExist.Policy", f"The policy not exists: {policy_name}.", 404
                )
            attachments = context.store.table(ATTACHMENTS)
            key = f"role:{policy_name}:Custom:{role_name}"
            if attachments.get(key) is not None:
                raise CloudError(
                    "EntityAlreadyExists.Role.Policy",
                    f"The policy {policy_name} is already attached to role {role_name}.",
                    409,
                )
            attachments.put(key, {"policy_name": policy_name, "role_name": role_name})
        return Created(key)

    def read(self, id: str, outputs: Properties, context: Context) -> Properties | None:
        """Return the attachment, or None if it does not exist."""
        item = context.store.table(ATTACHMENTS).get(id)
        if item is None:
            return None
        return {
            "policyName": item["policy_name"],
            "policyType": "Custom",
            "roleName": item["role_name"],
        }

    def update(
        self, id: str, outputs: Properties, inputs: Properties, context: Context
    ) -> Properties:
        """Raise an error, because every change replaces the attachment."""
        raise CloudError("InvalidParameter", "An attachment cannot be changed, only replaced.")

    def delete(self, id: str, outputs: Properties, context: Context) -> None:
        """Detach the policy like DetachPolicyFromRole."""
        context.store.table(ATTACHMENTS).delete(id)


HANDLERS: tuple[type[ResourceHandler], ...] = (
    RoleHandler,
    PolicyHandler,
    RolePolicyAttachmentHandler,
)
