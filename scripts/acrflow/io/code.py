"""Which code decides a result, as digests that a rule declares: an edit rebuilds what it touches, and nothing more.

A digest is that of a module's syntax tree without docstrings: comments, docstrings and formatting change none. The
modules are read from the import statements of a program and of all it imports, also those inside functions, so that
the list cannot drift from the program.
"""

import ast
import hashlib
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

LIBRARY = Path(__file__).resolve().parents[1]
PROGRAMS = LIBRARY.parent

# Rooms that decide no result. io: how files are written and read, errors, ledgers. cluster: where a job runs.
# config: what it holds reaches a rule as the rule's own parameters. workflow: what is built, not how.
ASIDE = ("io", "cluster", "config", "workflow")
# What a training uses beside these and no weight depends on: tables' schemas, what is printed and drawn while it
# runs, crashes, and checkpoints (a resumed training ends at the same weights; tests hold that).
ASIDE_IN_TRAINING = (
    *("schemas", "training.callbacks", "training.checkpoints", "training.crash", "training.processes"),
    *("training.log", "training.recipe"),
)
# What single rewards use, as their own modules say: another embedder trains no adapter anew that embeds nothing.
OF_REWARDS = ("models.embedder", "models.judge", "models.loading")

DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
MODULE = re.compile(r"acrflow(\.\w+)+")


def code_of(*files: str, aside: Iterable[str] = ()) -> list[str]:
    """What decides a program's result: itself and the library's modules that it imports, directly or through others.

    Args:
        files: under scripts/: the program, for instance "evaluation/measure.py", and modules that it loads by a name
            that is not in its code, for instance "acrflow/rewards/answer.py".
        aside: rooms or modules that decide nothing here, beside `ASIDE`.

    Returns:
        Sorted, "name:digest" each, for instance "stats.bootstrap:3f2a9c0d1e4b"; modules that hold only a docstring
        are left out.
    """
    left_out = {*ASIDE, *aside}
    seen: dict[str, Path] = {}
    waiting = [(_name(file), PROGRAMS / file) for file in files]
    while waiting:
        name, path = waiting.pop()
        if name not in seen:
            seen[name] = path
            waiting += [one for one in _read(path)[1] if not left_out & {one[0], one[0].split(".")[0]}]
    digests = {name: _read(path)[0] for name, path in seen.items()}
    return sorted(f"{name}:{digest}" for name, digest in digests.items() if digest)


def digest_of(path: Path) -> str:
    """The digest of one file's code."""
    return _read(path)[0]


def _name(file: str) -> str:
    """A library module's name as it is imported, without acrflow; a program's is its file."""
    inside = file.removeprefix(f"{LIBRARY.name}/")
    return file if inside == file else inside.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


@cache
def _read(path: Path) -> tuple[str, frozenset[tuple[str, Path]]]:
    """Digest of a file's code, empty if it holds none; names and files of the acrflow modules that it imports."""
    tree = ast.parse(path.read_bytes(), str(path))
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            names.update([node.value] if MODULE.fullmatch(node.value) else [])  # loaded by name, as publishers are
        elif isinstance(node, DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            del node.body[0]
    digest = hashlib.sha256(ast.dump(tree).encode()).hexdigest()[:12] if tree.body else ""
    return digest, frozenset(file for name in names for file in _modules(name))


def _modules(name: str) -> list[tuple[str, Path]]:
    """The module of this name and the packages it lies in; none for a name outside acrflow, or one inside a module."""
    first, *rest = name.split(".")
    if first != LIBRARY.name or not rest:
        return []
    target = LIBRARY.joinpath(*rest)
    if not (target.with_suffix(".py").is_file() or target.is_dir()):
        return []
    packages = [
        (".".join(rest[:depth]), LIBRARY.joinpath(*rest[:depth], "__init__.py")) for depth in range(1, len(rest) + 1)
    ]
    found = [(".".join(rest), target.with_suffix(".py")), *packages]
    return [(module, path) for module, path in found if path.is_file()]
