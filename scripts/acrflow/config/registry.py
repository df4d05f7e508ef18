"""What rewards say of themselves: the one place of this room that looks upward, by name and not by import.

A reward is a file in `acrflow/rewards/`. Its decorator makes a `Declaration`, which the configuration reads to check
options and to know which models an adapter needs. Only the rewards that a configuration names are imported, and they
import neither torch nor polars at module level.
"""

import difflib
import importlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from acrflow.config.section import problems
from acrflow.io.errors import InputError
from acrflow.tasks import appropriateness
from acrflow.tasks.task import GOLD, VOTES

FOLDER = Path(__file__).parents[1] / "rewards"
MODELS = ("embedder", "judge")  # the shared models that a reward may ask for by name
PROVIDED = (*MODELS, "completion_tokens", "task")  # and the length limit in tokens, and the task
ROLES = (GOLD, VOTES)  # columns that every task calls by a name of its own
COUNTED = ("step", "tokens")  # columns that come from the training, not from the dataset
EXAMPLES = (  # columns of `schemas.dataset.Examples`; that module loads polars
    *("id", "messages", "completion", "appropriateness", "traces", "references", "votes", "prompt_tokens"),
    "prompt_hash",
)
DECLARATION = "declaration"  # the attribute of a reward function that holds it


@dataclass(frozen=True)
class Declaration:
    """What a reward says of itself.

    Attributes:
        columns: gold columns that it takes after the completions, in that order.
        low, high: its range, both ends included.
        needs: what it takes from the training, of `PROVIDED`.
        options: its options with types and defaults; an unknown one is an error.
    """

    columns: tuple[str, ...]
    low: float
    high: float
    needs: tuple[str, ...]
    options: type[BaseModel]


def declare(function: Callable[..., Any], columns: tuple[str, ...], low: float, high: float) -> Declaration:
    """The declaration of a reward function: its keyword-only arguments are what it needs and its options."""
    keywords = [one for one in inspect.signature(function).parameters.values() if one.kind is one.KEYWORD_ONLY]
    fields: dict[str, Any] = {}
    for one in keywords:
        if one.name not in PROVIDED:
            kind = Any if one.annotation is one.empty else one.annotation
            fields[one.name] = (kind, ... if one.default is one.empty else one.default)
    # strict: "3" is no number, and true is none either
    config = ConfigDict(extra="forbid", strict=True)
    options = create_model("Options", __config__=config, __module__=function.__module__, **fields)
    needs = tuple(one.name for one in keywords if one.name in PROVIDED)
    return Declaration(columns, low, high, needs, options)


def known_rewards() -> list[str]:
    """Names of the rewards, in order: the files of their folder, found without importing them."""
    return sorted(path.stem for path in FOLDER.glob("[!_]*.py"))


@cache
def find_reward(name: str) -> tuple[Callable[..., Sequence[float | None]], Declaration]:
    """A reward's function and declaration; imports its file.

    Raises:
        ValueError: there is none, or its file is not one of a reward; the message names the file.
    """
    if name not in known_rewards():
        likely = difflib.get_close_matches(name, known_rewards(), 1)
        meant = f" (did you mean {likely[0]}?)" if likely else ""
        raise ValueError(f"unknown reward {name}{meant}; known are {', '.join(known_rewards())}")
    file = f"acrflow/rewards/{name}.py"
    try:
        function = getattr(importlib.import_module(f"acrflow.rewards.{name}"), name, None)
    except Exception as error:  # whatever a file of the user's does when it is imported
        raise ValueError(f"{file} cannot be imported: {type(error).__name__}: {error}") from error
    declaration = getattr(function, DECLARATION, None)
    if function is None or not isinstance(declaration, Declaration):
        raise ValueError(f"{file} has no function {name} under @reward; the file's name is the reward's")
    unknown = [column for column in declaration.columns if column not in (*EXAMPLES, *ROLES, *COUNTED)]
    if unknown:
        known = ", ".join((*ROLES, *EXAMPLES, *COUNTED))
        raise ValueError(f"{file} asks for the column {', '.join(unknown)}; the columns are {known}")
    return function, declaration


def check_options(name: str, options: Mapping[str, Any], provided: Mapping[str, Any]) -> None:
    """Check a reward's options: their names, their types, and by a call without completions their values.

    Args:
        provided: of `PROVIDED`, what is at hand; a model that is not there is stood in for, and the task is
            appropriateness unless it says other.

    Raises:
        ValueError: see there, or `find_reward`.
    """
    function, declaration = find_reward(name)
    known = list(declaration.options.model_fields)
    unknown = sorted(set(options) - set(known))
    if unknown:
        likely = difflib.get_close_matches(unknown[0], known, 1)
        meant = f" (did you mean {likely[0]}?)" if likely else ""
        listed = f"known are {', '.join(known)}" if known else f"{name} has none"
        raise ValueError(f"unknown option {', '.join(unknown)}{meant}; {listed}")
    try:
        declaration.options.model_validate(dict(options))
    except ValidationError as error:
        raise ValueError(problems(error)) from None
    provided = {"task": appropriateness.TASK, **provided}
    needed = {what: provided.get(what, _Absent()) for what in declaration.needs}
    try:
        for column in declaration.columns:
            provided["task"].column(column)
        function([], *([] for _ in declaration.columns), **options, **needed)
    except InputError as error:
        raise ValueError(f"{error.where}: {error.what}; {error.remedy}") from None
    except (ValueError, ArithmeticError) as error:
        raise ValueError(f"{dict(options)}: {error}") from None


class _Absent:
    """A model that is not loaded: asked about nothing, it answers with nothing."""

    def __getattr__(self, name: str) -> "_Absent":
        return self

    def __call__(self, *args: Any, **options: Any) -> list[Any]:
        return []
