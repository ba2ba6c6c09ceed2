"""Which packages may import which.

The arrows go one way: `infra -> components -> providers -> pluginhost`. Code that runs in a job or
on a node (`training`, `rag`) reaches the cloud by `providers.clients` only. No two files import
each other. Imports inside functions and for types count, too. This test cannot see imports by name
(`importlib`, `python -m`).
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import deque
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = (
    "bootstrap",
    "guardrails",
    "infra",
    "stack_config",
    "components",
    "providers",
    "pluginhost",
    "localcloud",
    "training",
    "rag",
    "tools",
    "ops",
    "opensearch_node",
    "provider_facts",
)
ALLOWED: dict[str, tuple[str, ...]] = {
    # The plans are pure: names, hashes and mappings that a preview must know.
    "infra": (
        "guardrails",
        "stack_config",
        "components",
        "providers",
        "rag.corpus",
        "rag.engine_embedding",
        "rag.errors",
        "rag.index",
        "rag.outcomes",
        "rag.query",
        "rag.terminal",
        "training.bounds",
        "training.job_specs",
    ),
    "guardrails": (
        "provider_facts",
        "stack_config",
        "components",
        "providers",
        "rag.errors",
        "rag.hosted_models",
        "rag.models",
    ),
    "bootstrap": ("stack_config", "components", "providers"),
    "stack_config": (
        "provider_facts",
        "providers",
        "rag.engines.kinds",
        "rag.models",
        "rag.readers.options",
        "rag.vector_index",
        "training.bounds",
    ),
    "components": ("stack_config.kinds", "providers", "rag.headers", "training.job_specs"),
    "providers": ("pluginhost", "provider_facts"),
    "providers.clients": (),
    "pluginhost": (),
    "provider_facts": (),
    # A borrowed cluster is configured as on a node.
    "localcloud": ("opensearch_node", "pluginhost", "provider_facts"),
    "opensearch_node": ("providers.clients",),
    "training": ("rag", "providers.clients"),
    "rag": ("providers.clients",),
    "tools": (),
    # Starts stacks and reads the cloud from outside; the program does not import it.
    "ops": (
        "guardrails",
        "stack_config",
        "components",
        "provider_facts",
        "providers",
        "rag.headers",
        "rag.outcomes",
        "rag.terminal",
    ),
}
# They generate the reference pages from the declarations of these packages.
GENERATORS: dict[str, tuple[str, ...]] = {
    "tools.coverage": ("localcloud", "provider_facts"),
    "tools.reference": ("infra.outputs", "guardrails.policy", "bootstrap.permissions_page"),
}
WITHOUT_PULUMI = ("rag", "training", "opensearch_node", "providers.clients")
PLANS = ("infra.plans", "infra.corpus", "components.pai", "components.knowledge", "providers")


def _module_name(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _modules() -> Iterator[tuple[str, Path]]:
    for package in PACKAGES:
        for file in sorted((ROOT / package).rglob("*.py")):
            yield _module_name(file), file


def _imports(file: Path, module: str) -> Iterator[tuple[str, int]]:
    """Return the imports of a file and their lines; `from a import b` is `a.b` if b is a module."""
    package = module if file.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"), str(file))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")
                up = parents[: len(parents) - node.level + 1]
                base = ".".join([*up, base] if base else up)
            for alias in node.names:
                is_module = (ROOT / base.replace(".", "/") / f"{alias.name}.py").exists()
                is_package = (ROOT / base.replace(".", "/") / alias.name).is_dir()
                yield (f"{base}.{alias.name}" if is_module or is_package else base), node.lineno


def _room(module: str) -> str:
    return "providers.clients" if _inside(module, "providers.clients") else module.split(".")[0]


def _inside(module: str, package: str) -> bool:
    return module == package or module.startswith(package + ".")


@pytest.mark.parametrize("room", ALLOWED)
def test_a_package_imports_only_what_its_arrows_allow(room: str) -> None:
    wrong = []
    for module, file in _modules():
        if _room(module) != room:
            continue
        for name, line in _imports(file, module):
            if name.split(".")[0] not in PACKAGES or _inside(name, room):
                continue
            arrows = (*ALLOWED[room], *GENERATORS.get(module, ()))
            if not any(_inside(name, allowed) for allowed in arrows):
                wrong.append(f"{file.relative_to(ROOT)}:{line} imports {name}")
    assert wrong == []


def _circles(imports: Mapping[str, Collection[str]]) -> list[list[str]]:
    """Return one circle for each module that reaches itself, the shortest way round."""
    found = []
    for start in sorted(imports):
        came_from = dict.fromkeys(imports[start], start)
        left = deque(came_from)
        while left and start not in came_from:
            module = left.popleft()
            for name in imports[module]:
                if name not in came_from:
                    came_from[name] = module
                    left.append(name)
        if start in came_from:
            circle = [start]
            while (before := came_from[circle[0]]) != start:
                circle.insert(0, before)
            found.append([start, *circle])
    return found


def test_imports_have_no_circle_not_even_for_types_only() -> None:
    files = dict(_modules())
    imports = {
        module: {name for name, _ in _imports(file, module) if name in files and name != module}
        for module, file in files.items()
    }
    assert _circles(imports) == []


def test_a_circle_of_imports_is_found() -> None:
    imports = {"a": ["b", "d"], "b": ["c"], "c": ["a"], "d": []}
    assert _circles(imports)[0] == ["a", "b", "c", "a"]


def test_an_import_for_types_only_counts(tmp_path: Path) -> None:
    file = tmp_path / "typed.py"
    file.write_text("if TYPE_CHECKING:\n    from rag.models import ModelInfo\n")
    assert list(_imports(file, "typed")) == [("rag.models", 2)]


@pytest.mark.parametrize("room", WITHOUT_PULUMI)
def test_code_for_jobs_and_nodes_does_not_import_pulumi(room: str) -> None:
    wrong = [
        f"{file.relative_to(ROOT)}:{line} imports {name}"
        for module, file in _modules()
        if _inside(module, room)
        for name, line in _imports(file, module)
        if name.split(".")[0].startswith("pulumi")
    ]
    assert wrong == []


def test_the_set_up_imports_only_the_standard_library() -> None:
    files = {module: file for module, file in _modules() if _inside(module, "tools")}
    reached, wrong = set(), []
    left = ["tools.__main__"]
    while left:
        module = left.pop()
        if module in reached:
            continue
        reached.add(module)
        for name, line in _imports(files[module], module):
            if _inside(name, "tools"):
                left.append(name)
            elif name.split(".")[0] not in sys.stdlib_module_names:
                wrong.append(f"{module}:{line} imports {name}")
    assert wrong == []
    assert {"tools.setup", "tools.virtualenv", "tools.cli"} <= reached


def _loaded_by(statement: str, *names: str) -> list[str]:
    """Return which of the named modules a statement loads, in a fresh interpreter."""
    code = f"import sys\n{statement}\nprint(*(n for n in {names!r} if n in sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def test_importing_the_clients_does_not_load_pulumi() -> None:
    modules = ", ".join(module for module, _ in _modules() if _inside(module, "providers.clients"))
    assert _loaded_by(f"import {modules}", "pulumi", "pulumi_alicloud") == []


@pytest.mark.parametrize("module", PLANS)
def test_planning_an_update_does_not_load_torch(module: str) -> None:
    heavy = ("torch", "transformers", "sentence_transformers", "datasets")
    assert _loaded_by(f"import {module}", *heavy) == []


def test_the_process_that_reads_documents_loads_the_readers_only() -> None:
    heavy = ("torch", "numpy", "elasticsearch", "pydantic", "rag.pipeline", "rag.ingest")
    assert _loaded_by("import rag.reader_process", *heavy) == []


def test_one_module_of_the_data_plane_knows_each_client_of_a_search_engine() -> None:
    clients = ("elastic_transport", "elasticsearch", "opensearchpy")
    found = {
        module
        for module, file in _modules()
        if _room(module) in ("rag", "training")
        for name, _ in _imports(file, module)
        if name.split(".")[0] in clients
    }
    assert found == {"rag.engines.elasticsearch", "rag.engines.opensearch"}


def test_every_module_that_other_rooms_may_import_declares_its_names() -> None:
    programs = ("localcloud", "tools")
    # A node runs this file alone, as text.
    text_only = {"components.nodes.bootstrap"}
    silent = [
        module
        for module, file in _modules()
        if _room(module) not in programs
        and file.name not in ("__init__.py", "__main__.py")
        and module not in text_only
        and "\n__all__" not in file.read_text(encoding="utf-8")
    ]
    assert silent == []
