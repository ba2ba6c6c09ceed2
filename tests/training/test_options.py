"""The command line of the tuning."""

from __future__ import annotations

import shlex
from dataclasses import fields
from typing import Any

import pytest

from rag.readers.options import DEFAULT_OPTIONS, ReadOptions
from training.job_specs import PodSettings, TrainingSettings, train_embedding_job
from training.options import Options, SettingsError, parse_options


def _parse(*arguments: str) -> Options:
    return parse_options(["--corpus-dir=c", "--output-dir=o", *arguments])


def test_every_field_is_an_option_with_its_default() -> None:
    assert _parse() == Options(corpus_dir="c", output_dir="o")


def test_options_keep_their_types() -> None:
    options = _parse("--num-train-epochs", "2", "--seed", "7", "--precision", "fp32")
    assert (options.num_train_epochs, options.seed, options.precision) == (2.0, 7, "fp32")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dimension": 512}, "--dimension is 512; it must be one of 384, 768, 1024"),
        ({"num_train_epochs": 0}, "--num-train-epochs is 0"),
        ({"learning_rate": 1.0}, "--learning-rate is 1.0"),
        ({"per_device_train_batch_size": 1}, "--per-device-train-batch-size is 1"),
        ({"hard_negatives": -1}, "--hard-negatives is -1"),
        ({"precision": "int8"}, "--precision is 'int8'; it must be one of auto, fp32, bf16, fp16"),
        ({"min_pairs": 1}, "--min-pairs is 1"),
        (
            {"libtorch_version": "2.0"},
            "--libtorch-version is '2.0'; it must be one of 1.13.1, 2.5.1, none",
        ),
    ],
)
def test_a_value_out_of_bounds_is_refused_with_what_is_allowed(
    changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(SettingsError, match=message):
        Options(corpus_dir="c", output_dir="o", **changes)


def test_the_script_accepts_the_command_of_the_job() -> None:
    settings = TrainingSettings(
        pods=PodSettings(ecs_spec="ecs.g7.xlarge", image="i"),
        base_model="all-MiniLM-L6-v2",
        dimension=384,
        num_train_epochs=2,
        learning_rate=3e-5,
        per_device_train_batch_size=16,
        libtorch_version="1.13.1",
    )
    command = train_embedding_job(settings, "oss://b/c.zip", "oss://b/c/", "oss://b/o/")
    given = command.user_command.partition("training.train_embedding")[2].split()
    options = _parse(*given)
    assert options.corpus_dir == "/mnt/corpus"
    assert options.libtorch_version == "1.13.1"
    assert (options.num_train_epochs, options.learning_rate) == (2.0, 3e-5)


def test_every_option_has_help() -> None:
    assert all(entry.metadata["help"] for entry in fields(Options))


def test_how_documents_are_read_comes_from_the_command_line() -> None:
    given = [*("--encoding", "docs/old=gb18030", "--encoding", "docs/de=cp1252"), "--ocr"]
    reading = _parse(*given, "--ocr-language", "eng", "--ocr-language", "deu").read_options
    assert dict(reading.encodings) == {"docs/old": "gb18030", "docs/de": "cp1252"}
    assert (reading.ocr, reading.ocr_languages) == (True, ("eng", "deu"))
    assert _parse().read_options == DEFAULT_OPTIONS
    with pytest.raises(SettingsError, match="must be an encoding that Python knows"):
        _parse("--encoding", "docs/old=nonsense")


def test_the_script_reads_documents_as_its_job_plan_says() -> None:
    given = ReadOptions(encodings={"docs/two words": "big5"}, ocr=True, ocr_languages=("jpn",))
    settings = TrainingSettings(
        pods=PodSettings(ecs_spec="ecs.g7.xlarge", image="i"),
        base_model="all-MiniLM-L6-v2",
        dimension=384,
        read_options=given,
    )
    command = train_embedding_job(settings, "oss://b/c.zip", "oss://b/c/", "oss://b/o/")
    words = shlex.split(command.user_command.partition("training.train_embedding")[2])
    assert _parse(*words).read_options == given
