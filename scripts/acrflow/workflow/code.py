"""Which library modules a program imports, so that an edit rebuilds exactly what it touches.

Snakemake notices an edit in a declared input and in nothing else; the list is read from the programs' own import
statements (also those inside functions), so it cannot drift.
"""

import ast
from functools import cache
from pathlib import Path

LIBRARY = Path(__file__).parents[1]


def imported_modules(program: Path) -> list[Path]:
    """Files of the acrflow modules that `program` imports, directly or through other modules, sorted.

    Rewards are loaded by name and are not found here: an adapter declares its own.
    """
    seen: set[Path] = set()
    waiting = [Path(program)]
    while waiting:
        for module in _direct_imports(waiting.pop()):
            if module not in seen:
                seen.add(module)
                waiting.append(module)
    return sorted(seen)


@cache
def _direct_imports(path: Path) -> frozenset[Path]:
    """Files of the acrflow modules named in the import statements of one file."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return frozenset(file for name in names for file in _files(name))


def _files(name: str) -> list[Path]:
    """The module's file and its packages' `__init__.py`; none for a name outside acrflow or a name inside a module."""
    first, *rest = name.split(".")
    target = LIBRARY.joinpath(*rest)
    module = target.with_suffix(".py")
    if first != LIBRARY.name or not (module.is_file() or target.is_dir()):
        return []
    packages = [target, *target.parents][: len(rest) + 1]
    return [file for file in (module, *(folder / "__init__.py" for folder in packages)) if file.is_file()]
