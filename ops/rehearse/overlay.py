"""What a rehearsal replaces of a stack's declared values, and why; everything else stays.

Owns the list of replaced keys, the rehearsal's stack file, its copy of the corpus and the region of
its local cloud. Prints every replacement. Not the rehearsal itself (`ops.rehearse.story`).

    python -m ops.rehearse.overlay --stack dev --home DIR --output FILE [--corpus DIR] [--set k=v]
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ops.declared import (
    NAMESPACE,
    ROOT,
    DeclaredError,
    declared_values,
    is_pull_request,
    with_defaults,
    write_stack_file,
)
from ops.rehearse.certificate import upload_self_signed

__all__ = ["REPLACED_FILE", "Replacement", "main", "replacements"]

REPLACED_FILE = "replaced.json"
"""In the rehearsal's home: what was replaced, for the summary."""
_INIT_SECONDS = 120
_LOCAL_VALUES: Mapping[str, tuple[Any, str]] = {
    "platform": ("local", "the local cloud's plugin and endpoints"),
    "imageId": ("local_python", "the local cloud has this one image"),
    "trainingImage": ("local/python", "the local cloud has this one image"),
    "llmModel": ("smollm2-135m-instruct", "the model that the local DashScope serves"),
    "elasticsearchProtocol": ("HTTP", "the local cluster speaks HTTP on loopback"),
}


@dataclass(frozen=True, kw_only=True)
class Replacement:
    """One value that is not the declared one.

    Attributes:
        key: Config key without its namespace.
        declared: What the stack's file, or the default, says.
        value: What the rehearsal runs with.
        why: In a few words.
    """

    key: str
    declared: Any
    value: Any
    why: str

    def __str__(self) -> str:
        return f"{self.key}: {self.declared!r} -> {self.value!r} ({self.why})"


def replacements(
    declared: Mapping[str, Any],
    *,
    account_id: str,
    certificate_id: str,
    corpus_dir: str,
    overrides: Mapping[str, Any],
    certificate_host: str = "",
) -> list[Replacement]:
    """What of the declared values, defaults included, a rehearsal replaces.

    Args:
        declared: Values by key with its namespace.
        account_id: The local cloud's account.
        certificate_id: A certificate of the local cloud; empty where none is wanted.
        corpus_dir: The rehearsal's copy of the corpus.
        overrides: What the user replaces besides, by key without namespace.
        certificate_host: That certificate's name, where the load balancer is asked by it.

    Raises:
        DeclaredError: An override names no config key.
    """
    wanted: dict[str, tuple[Any, str]] = {
        **_LOCAL_VALUES,
        "accountId": (account_id, "the local cloud's account"),
        "corpusDir": (corpus_dir, "a copy, as the rehearsal changes a document"),
    }
    if certificate_id:
        wanted["chatCertificateId"] = (certificate_id, "self-signed, uploaded to the local CAS")
    if certificate_host:
        wanted["chatDomainName"] = (certificate_host, "by which the edge asks, and checks it")
    unknown = sorted(key for key in overrides if f"{NAMESPACE}{key}" not in with_defaults(declared))
    if unknown:
        raise DeclaredError(
            f"SET has {unknown[0]!r}, which is no config key with a value to replace; the keys are "
            "in Pulumi.yaml, as SET='trainingNumTrainEpochs=1'"
        )
    wanted |= {key: (value, "asked for by SET") for key, value in overrides.items()}
    found = []
    for key, (value, why) in wanted.items():
        now = declared.get(f"{NAMESPACE}{key}", "")
        if now != value:
            found.append(Replacement(key=key, declared=now, value=value, why=why))
    return found


def _override(text: str) -> tuple[str, Any]:
    """A key and its value: a list where it is written as one, as `[10.0.0.0/8]`."""
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise argparse.ArgumentTypeError(f"{text!r} is not KEY=VALUE")
    return key.removeprefix(NAMESPACE), yaml.safe_load(value) if value.startswith("[") else value


def _init_local_cloud(home: Path, values: Mapping[str, Any]) -> dict[str, Any]:
    """The rehearsal's local cloud, in the stack's own region, running; its platform file."""
    region_id, zones = values[f"{NAMESPACE}regionId"], values[f"{NAMESPACE}zoneIds"]
    for command in (
        ("init", "--home", str(home), "--region-id", region_id, "--zone-ids", ",".join(zones)),
        ("start", "--home", str(home)),
    ):
        subprocess.run(
            [sys.executable, "-m", "localcloud", *command],
            cwd=ROOT,
            check=True,
            timeout=_INIT_SECONDS,
            stdout=subprocess.DEVNULL,
        )
    platform: dict[str, Any] = json.loads((home / "platform.json").read_text(encoding="utf-8"))
    return platform


def _copy_corpus(source: Path, home: Path) -> Path:
    """The rehearsal's own copy of a corpus; one that is there is replaced."""
    if not (source / "docs").is_dir():
        raise DeclaredError(f"the corpus {source} has no folder `docs`; give CORPUS=DIR")
    target = home / "corpus"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    shutil.copytree(source / "docs", target / "docs")
    questions = source / "questions.jsonl"
    if questions.is_file():
        shutil.copy2(questions, target / questions.name)
    return target


def prepare(
    stack: str, *, home: Path, output: Path, corpus: Path | None, overrides: Mapping[str, Any]
) -> list[Replacement]:
    """Writes the rehearsal's stack file and all that its values name.

    Raises:
        DeclaredError: The stack has no file, or the corpus is none.
        subprocess.CalledProcessError: The local cloud did not start.
    """
    values = declared_values(stack)
    declared = with_defaults(values)
    source = corpus or Path(declared[f"{NAMESPACE}corpusDir"])
    target = _copy_corpus((ROOT / source.expanduser()).resolve(), home)
    platform = _init_local_cloud(home, declared)
    certificate_id = certificate_host = ""
    with_balancer = overrides.get("loadBalancer", declared.get(f"{NAMESPACE}loadBalancer"))
    if str(with_balancer).lower() == "true":
        named = overrides.get("chatDomainName") or declared.get(f"{NAMESPACE}chatDomainName")
        host = str(named or f"chat.{stack}.internal")
        certificate_id = upload_self_signed(platform, host, name=f"rehearse-{stack}")
        # Where no edge is, nobody of this machine could find the name.
        with_edge = overrides.get("edge", declared.get(f"{NAMESPACE}edge")) not in ("none", "")
        certificate_host = host if with_edge else ""
    found = replacements(
        declared,
        account_id=platform["account_id"],
        certificate_id=certificate_id,
        corpus_dir=str(target),
        overrides=overrides,
        certificate_host=certificate_host,
    )
    changed = {f"{NAMESPACE}{item.key}": item.value for item in found}
    write_stack_file(
        output,
        {**values, **changed},
        remark=f"Made by `make rehearse STACK={stack}`; removed with the rehearsal.",
    )
    if is_pull_request(stack):
        key = "expiresAt"
        found.append(
            Replacement(
                key=key,
                declared="",
                value=values[f"{NAMESPACE}{key}"],
                why="as `make pr-up` sets it",
            )
        )
    (home / REPLACED_FILE).write_text(
        json.dumps([vars(item) for item in found], ensure_ascii=False, indent=2), encoding="utf-8"
    )
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Write a rehearsal's configuration; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m ops.rehearse.overlay")
    parser.add_argument("--stack", required=True, help="the stack that is rehearsed")
    parser.add_argument("--home", type=Path, required=True, help="the rehearsal's home")
    parser.add_argument("--output", type=Path, required=True, help="the stack file to write")
    parser.add_argument("--corpus", type=Path, help="another corpus")
    parser.add_argument("--set", type=_override, action="append", default=[], metavar="KEY=VALUE")
    options = parser.parse_args(arguments)
    try:
        found = prepare(
            options.stack,
            home=options.home,
            output=options.output,
            corpus=options.corpus,
            overrides=dict(options.set),
        )
    except (DeclaredError, yaml.YAMLError, subprocess.CalledProcessError) as error:
        print(error, file=sys.stderr)
        return 1
    for item in found:
        print(f"  {item}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
