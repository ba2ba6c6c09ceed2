"""The typed classes: type tokens, wire names, secrets, what is known in a preview."""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.runtime.stack import run_pulumi_func

import providers
import providers.opensearch
from providers.declaration import secret_outputs_of
from providers.wire import Out, camel_case, camel_keys


class Recorder(pulumi.runtime.Mocks):
    """Keeps what is registered."""

    def __init__(self) -> None:
        self.registered: list[pulumi.runtime.MockResourceArgs] = []

    def new_resource(
        self, args: pulumi.runtime.MockResourceArgs
    ) -> tuple[str | None, dict[Any, Any]]:
        self.registered.append(args)
        outputs = {"result": {"dimension": 384.0}, "chunks": 7.0, "documentCount": 2.0}
        return f"{args.name}-id", {**args.inputs, **outputs}

    def call(self, args: pulumi.runtime.MockCallArgs) -> dict[Any, Any]:
        return {}


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


def job_args(**changes: Any) -> dict[str, Any]:
    return {
        "workspace_id": "1",
        "display_name": "train",
        "job_type": "PyTorchJob",
        "job_specs": [{"type": "Worker", "pod_count": 1}],
        "user_command": "true",
        "envs": {"my_key": "1"},
        "data_sources": [{"uri": "oss://b/x/", "mount_path": "/mnt"}],
        **changes,
    }


def run(recorder: Recorder, program: Callable[[], Any]) -> None:
    """Run a piece of a program, and wait for its resources and for what it returns."""

    async def body() -> None:
        pulumi.runtime.set_mocks(recorder, preview=False)
        await run_pulumi_func(program)

    asyncio.run(body())
    with warnings.catch_warnings():
        # The SDK's mocks make an event loop in each worker thread and never close it.
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def test_nested_names_go_over_the_wire_in_camel_case_and_data_keys_do_not(
    recorder: Recorder,
) -> None:
    def program() -> pulumi.Output[Any]:
        secret = pulumi.Output.from_input("acs:role")
        config = {"credential_config_items": [{"roles": [{"role_arn": secret}]}]}
        args = providers.DlcJobArgs(**job_args(credential_config=config))
        return providers.DlcJob("n", args).job_id

    run(recorder, program)
    (args,) = recorder.registered
    assert args.typ == "customrag:pai:DlcJob"
    assert args.inputs["jobSpecs"] == [{"type": "Worker", "podCount": 1}]
    assert args.inputs["dataSources"] == [{"uri": "oss://b/x/", "mountPath": "/mnt"}]
    assert args.inputs["envs"] == {"my_key": "1"}
    roles = args.inputs["credentialConfig"]["credentialConfigItems"][0]["roles"]
    assert roles == [{"roleArn": "acs:role"}]


def test_document_keys_are_not_translated(recorder: Recorder) -> None:
    def program() -> pulumi.Output[Any]:
        documents = {"docs/my_file.md": "0" * 64}
        args = providers.CorpusArgs(bucket="b", source_dir=".", documents=documents)
        return providers.Corpus("n", args).uri

    run(recorder, program)
    assert recorder.registered[0].inputs["documents"] == {"docs/my_file.md": "0" * 64}


def test_whole_numbers_of_outputs_are_integers(recorder: Recorder) -> None:
    seen: list[Any] = []

    def program() -> pulumi.Output[Any]:
        args = providers.IngestRunArgs(
            **job_args(result_uri="oss://b/x/"), documents={}, index_name="i"
        )
        made = providers.IngestRun("n", args)
        return pulumi.Output.all(made.result, made.chunks, made.document_count).apply(seen.extend)

    run(recorder, program)
    assert seen == [{"dimension": 384}, 7, 2]
    assert all(isinstance(value, int) for value in (*seen[0].values(), *seen[1:]))


def test_a_password_is_secret(recorder: Recorder) -> None:
    secrets: list[bool] = []

    def program() -> None:
        args = providers.SearchIndexArgs(
            endpoint="http://c:9200", username="u", password="p", index_name="i", mappings={}
        )
        made = providers.SearchIndex("n", args)

        async def look() -> None:
            secrets.append(await made.__dict__["password"].is_secret())

        pulumi.Output.from_input(look())

    run(recorder, program)
    assert secrets == [True]


def test_only_private_keys_are_secret_outputs() -> None:
    assert secret_outputs_of(providers.Certificate) == ("privateKeyPem",)
    assert secret_outputs_of(providers.CertificateAuthority) == ("privateKeyPem",)
    assert secret_outputs_of(providers.Rollout) == ()


def test_a_certificate_without_lists_sends_the_defaults(recorder: Recorder) -> None:
    def program() -> pulumi.Output[Any]:
        args = providers.CertificateArgs(
            ca_certificate_pem="pem", ca_private_key_pem="hush", common_name="node"
        )
        assert "hush" not in repr(args)
        return providers.Certificate("n", args).certificate_pem

    run(recorder, program)
    inputs = recorder.registered[0].inputs
    assert inputs["usages"] == ["server", "client"]
    assert (inputs["dnsNames"], inputs["organization"]) == ([], "customrag")


def test_arguments_do_not_show_a_password() -> None:
    args = providers.IndexAliasArgs(
        endpoint="e", username="u", password="hush", alias="a", index_name="i"
    )
    assert "hush" not in repr(args)


def test_an_output_cannot_be_assigned(recorder: Recorder) -> None:
    def program() -> pulumi.Output[Any]:
        made = providers.DlcJob("n", providers.DlcJobArgs(**job_args()))
        with pytest.raises(AttributeError, match="is an output"):
            made.job_id = pulumi.Output.from_input("x")
        return made.job_id

    run(recorder, program)


@pytest.mark.parametrize(
    ("snake", "camel"),
    [("max_running_time_minutes", "maxRunningTimeMinutes"), ("uri", "uri"), ("a_b1", "aB1")],
)
def test_names_translate_to_the_wire(snake: str, camel: str) -> None:
    assert camel_case(snake) == camel


def test_names_in_camel_case_stay() -> None:
    assert camel_keys({"mountPath": [{"podCount": 1}]}) == {"mountPath": [{"podCount": 1}]}


def test_what_the_package_exports_is_there() -> None:
    assert all(getattr(providers, name) for name in providers.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        _ = providers.Nothing  # type: ignore[attr-defined]


def test_every_argument_and_output_is_in_the_documentation() -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "reference" / "providers.md").read_text()
    classes = [
        getattr(module, name)
        for module in (providers, providers.opensearch)
        for name in module.__all__
        if name[0].isupper()
    ]
    arguments = {name for made in classes for name in getattr(made, "__dataclass_fields__", {})}
    outputs = {
        name for made in classes for name, value in vars(made).items() if isinstance(value, Out)
    }
    missing = {name for name in arguments | outputs if f"`{name}`" not in text}
    assert missing == set()
