"""Adds search templates to the local Elasticsearch.

The integration-test distribution lacks the module ``lang-mustache``, and Maven Central has its jar
only up to 7.17.29 (looked up 2026-11-30). That jar's dialect of mustache works in 8.19; its script
engine and its routes do not, because the interfaces changed. ``java/SearchTemplates.java`` has both
for 8.19. Eclipse's compiler, from Maven Central too, compiles it, so that a Java runtime suffices.

Owns: the module that is added. Does not own: the distribution.
"""

from __future__ import annotations

import shutil
import subprocess
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from localcloud.core.maven import Artifact, MavenError, fetch_artifacts

__all__ = ["add_search_templates"]

_SOURCE: Final = Path(__file__).resolve().parent / "java" / "SearchTemplates.java"
_CLASS: Final = "customrag.local.SearchTemplates"
_COMPILER_TIMEOUT_SECONDS: Final = 300


_COMPILER: Final = Artifact(
    group="org.eclipse.jdt",
    name="ecj",
    version="3.42.0",
    sha256="29f6d3918ee02db4400c103bc25dd90a22491c3a395867d9393070cb96a7dd29",
)
# mustache.java as in Elasticsearch 7.17.29, Jackson as in 8.19.
_JARS: Final = (
    Artifact(
        group="org.elasticsearch.plugin",
        name="lang-mustache-client",
        version="7.17.29",
        sha256="b825780a3cb750d87c4dc211d578a9e139c8334f0e0536fe115b7c384f778afc",
    ),
    Artifact(
        group="com.github.spullara.mustache.java",
        name="compiler",
        version="0.9.10",
        sha256="2b5a9217811cb99846a473fa8e0d233eb33629347b7f44941f6c0fbd4cdf1038",
    ),
    Artifact(
        group="com.fasterxml.jackson.core",
        name="jackson-core",
        version="2.17.2",
        sha256="721a189241dab0525d9e858e5cb604d3ecc0ede081e2de77d6f34fa5779a5b46",
    ),
)


def add_search_templates(
    home: Path, version: str, java_home: Path, work: Path, say: Callable[[str], None]
) -> None:
    """Add the module to an unpacked distribution.

    Args:
        home: The distribution.
        version: Its version.
        java_home: A Java runtime.
        work: A folder for what is fetched and compiled.
        say: Receives each line of progress.

    Raises:
        MavenError: Maven or the compiler failed, or a jar has the wrong digest.
    """
    purpose = f"search templates for elasticsearch {version}"
    say(f"{purpose}: fetching with Maven (4 MB)")
    jars = fetch_artifacts((*_JARS, _COMPILER), work, purpose, say)
    module = home / "modules" / "lang-mustache"
    module.mkdir(parents=True)
    for artifact in _JARS:
        shutil.copyfile(jars[artifact], module / artifact.file_name)
    classes = work / "classes"
    _compile(home, java_home, jars, classes)
    with zipfile.ZipFile(module / "customrag-search-templates.jar", "w") as jar:
        for path in sorted(classes.rglob("*.class")):
            jar.write(path, path.relative_to(classes))
    descriptor = {
        "description": "Search templates in mustache",
        "name": "lang-mustache",
        "version": version,
        "elasticsearch.version": version,
        "java.version": "17",
        "classname": _CLASS,
    }
    lines = [f"{key}={value}\n" for key, value in descriptor.items()]
    (module / "plugin-descriptor.properties").write_text("".join(lines), "utf-8")
    module.chmod(0o755)
    for path in module.iterdir():
        # Another user may run the engine.
        path.chmod(0o644)


def _compile(home: Path, java_home: Path, jars: Mapping[Artifact, Path], classes: Path) -> None:
    """Compile the source against the distribution's own jars."""
    path = [*sorted((home / "lib").glob("*.jar")), *(jars[artifact] for artifact in _JARS)]
    done = subprocess.run(
        [
            str(java_home / "bin" / "java"),
            "-jar",
            str(jars[_COMPILER]),
            "-17",
            "-proc:none",
            "-classpath",
            ":".join(map(str, path)),
            "-d",
            str(classes),
            str(_SOURCE),
        ],
        capture_output=True,
        text=True,
        timeout=_COMPILER_TIMEOUT_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        raise MavenError(f"{_SOURCE.name} does not compile:\n{done.stdout}{done.stderr}")
