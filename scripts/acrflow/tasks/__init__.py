"""What is particular to a task: labels, the parser of an answer, prompt fields, gold column, votes.

A task is a module of this folder that holds a `Task` named `TASK`; everything else in the library asks it. One that
lies elsewhere is named by its import path, `package.module:NAME`. This room imports neither torch nor polars, since
the configuration imports it.

May import the rooms from `io` up to `text`.
"""

import importlib
import inspect
from pathlib import Path

from acrflow.io.errors import InputError
from acrflow.tasks.task import Task

DEFAULT = "appropriateness"


def load(name: str) -> Task:
    """The task of this name, or at this import path.

    Args:
        name: a module of this folder (`appropriateness`), or `package.module:NAME` for a task kept elsewhere.

    Raises:
        InputError: there is no such module, or it holds no task.
    """
    path, _, attribute = name.partition(":")
    if not attribute:
        path, attribute = f"{__name__}.{name}", "TASK"
    try:
        task = getattr(importlib.import_module(path), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise _refused(name, f"no such task ({error})") from None
    if not isinstance(task, Task):
        raise _refused(name, f"{type(task).__name__} is no task")
    return task


def _refused(name: str, what: str) -> InputError:
    remedy = f"name one of {', '.join(known())}, or package.module:NAME with its folder on PYTHONPATH"
    return InputError(f"task: {name}", what, remedy)


def known() -> list[str]:
    """Names of the tasks of this folder: the modules that set `TASK`, found without importing them."""
    modules = sorted(Path(__file__).parent.glob("[!_]*.py"))
    return [path.stem for path in modules if "\nTASK = " in path.read_text(encoding="utf-8")]


def source(name: str) -> Path:
    """The file that declares a task: an input of every rule that is given its name."""
    return Path(inspect.getfile(type(load(name))))
