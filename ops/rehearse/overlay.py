"""The declared values that a rehearsal replaces, and why; everything else stays.

Owns the list of replaced keys, the rehearsal's stack file, its copy of the corpus and the region of
its local cloud. Prints every replacement. Does not own the rehearsal (`ops.rehearse.story`).

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
"""File in the rehearsal's home that lists the replaced values, for the summary."""
_START_SECONDS = 1200
_LOCAL_VALUES: Mapping[str, tuple[Any, str]] = {
    "platform": ("local", "the local cloud's plugin and endpoints"),
    "imageId": ("local_python", "the only image of the local cloud"),
    "trainingImage": ("local/python", "the only image of the local cloud"),
    "embeddingModel": ("all-MiniLM-L6-v2", "the only embedding model of the local cloud"),
    "embeddingModelUri": ("", "that model comes from a package"),
    "embeddingDimension": (0, "that model's own"),
    "llmModel": ("smollm2-135m-instruct", "the only model of the local DashScope"),
    "elasticsearchProtocol": ("HTTP", "the local cluster speaks HTTP on loopback"),
}


@dataclass(frozen=True, kw_only=True)
class Replacement:
    """One replaced value.

    Attributes:
        key: Config key without its namespace.
        declared: The value in the stack's file, or the default.
        value: The value in the rehearsal.
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
    """Return the declared values, defaults included, that a rehearsal replaces.

    Args:
        declared: Values by key with its namespace.
        account_id: The local cloud's account.
        certificate_id: A certificate of the local cloud; empty if none is needed.
        corpus_dir: The rehearsal's copy of the corpus.
        overrides: Values that the user replaces as well, by key without namespace.
        certificate_host: The certificate's name, if the load balancer is reached by that name.

    Raises:
        DeclaredError: An override does not name a config key.
    """
    wanted: dict[str, tuple[Any, str]] = {
        **_LOCAL_VALUES,
        "accountId": (account_id, "the local cloud's account"),
        "corpusDir": (corpus_dir, "a copy, because the rehearsal changes a document"),
    }
    if certificate_id:
        wanted["chatCertificateId"] = (certificate_id, "self-signed, uploaded to the local CAS")
    if certificate_host:
        wanted["chatDomainName"] = (
            certificate_host,
            "the edge connects by this name, and checks it",
        )
    unknown = sorted(key for key in overrides if f"{NAMESPACE}{key}" not in with_defaults(declared))
    if unknown:
        raise DeclaredError(
            f"SET has {unknown[0]!r}, which is not a config key with a value to replace. "
            "Pulumi.yaml lists the keys; an example is SET='trainingNumTrainEpochs=1'"
        )
    wanted |= {key: (value, "given in SET") for key, value in overrides.items()}
    found = []
    for key, (value, why) in wanted.items():
        now = declared.get(f"{NAMESPACE}{key}", "")
        if now != value:
            found.append(Replacement(key=key, declared=now, value=value, why=why))
    return found


def _override(text: str) -> tuple[str, Any]:
    """Return a key and its value; a value such as `[10.0.0.0/8]` is a list."""
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise argparse.ArgumentTypeError(f"{text!r} is not KEY=VALUE")
    return key.removeprefix(NAMESPACE), yaml.safe_load(value) if value.startswith("[") else value


def _init_local_cloud(home: Path, values: Mapping[str, Any]) -> dict[str, Any]:
    """Start the rehearsal's local cloud in the stack's region; return its platform file."""
    region_id, zones = values[f"{NAMESPACE}regionId"], values[f"{NAMESPACE}zoneIds"]
    for command in (
        ("init", "--home", str(home), "--region-id", region_id, "--zone-ids", ",".join(zones)),
        ("start", "--home", str(home)),
    ):
        subprocess.run(
            [sys.executable, "-m", "localcloud", *command],
            cwd=ROOT,
            check=True,
            timeout=_START_SECONDS,
            # A start says what it waits for.
            stdout=subprocess.DEVNULL if command[0] == "init" else None,
        )
    platform: dict[str, Any] = json.loads((home / "platform.json").read_text(encoding="utf-8"))
    return platform


def _copy_corpus(source: Path, home: Path) -> Path:
    """Copy a corpus into the rehearsal's home, in place of an earlier copy; return the copy."""
    if not (source / "docs").is_dir():
        raise DeclaredError(
            f"the corpus {source} has no folder `docs`; give a folder that has one: CORPUS=DIR"
        )
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
    """Write the rehearsal's stack file and everything that its values refer to.

    Raises:
        DeclaredError: The stack has no file, or the corpus has no documents.
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
        # Only the edge resolves the name; no other program on this machine could.
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
        remark=f"Created by `make rehearse STACK={stack}`; removed with the rehearsal.",
    )
    if is_pull_request(stack):
        key = "expiresAt"
        found.append(
            Replacement(
                key=key,
                declared="",
                value=values[f"{NAMESPACE}{key}"],
                why="set as by `make pr-up`",
            )
        )
    (home / REPLACED_FILE).write_text(
        json.dumps([vars(item) for item in found], ensure_ascii=False, indent=2), encoding="utf-8"
    )
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Write a rehearsal's configuration and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m ops.rehearse.overlay")
    parser.add_argument("--stack", required=True, help="the stack to rehearse")
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
