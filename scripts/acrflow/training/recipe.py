"""The recipe of an adapter with the hashes of everything else that decides its weights, and the file it is kept in."""

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from acrflow import tasks
from acrflow.config.recipe import Recipe
from acrflow.config.section import Section, problems
from acrflow.io.code import ASIDE_IN_TRAINING, code_of, digest_of
from acrflow.io.errors import InputError
from acrflow.io.files import read_json, sha256
from acrflow.tasks.task import Task

FILE = "recipe.json"
PINNED = (
    *("torch", "transformers", "tokenizers", "trl", "peft", "accelerate", "datasets"),
    *("sentence-transformers", "pytorch-optimizer"),
)


class Inputs(Section):
    """Digests of what a training reads and runs; a base on the hub by its name, since the recipe holds its revision."""

    base: str | dict[str, str]
    examples: str
    task: str
    rewards: dict[str, str]
    init_from: str | None = None


class Resolved(Recipe):
    """A recipe and its inputs: two trainings with the same one give the same adapter."""

    inputs: Inputs


class Written(Resolved):
    """What an adapter's folder holds, as `recipe.json`."""

    versions: dict[str, str]


def resolve(recipe: Recipe, base: str, examples: Path, start: Path | None = None) -> Resolved:
    """The recipe with hashes of the base model, the examples, and the code of the rewards with all that they import.

    Args:
        recipe: `acrflow.config.configuration.Config.recipe(folder)`.
        base: folder, or hub name (whose revision the recipe holds).
        examples: the examples file.
        start: folder of the adapter that the training starts from.
    """
    code = code_of(*(f"acrflow/rewards/{name}.py" for name in recipe.rewards), aside=ASIDE_IN_TRAINING)
    inputs = Inputs(
        base=hash_folder(Path(base)) if Path(base).is_dir() else base,
        examples=sha256(examples),
        task=digest_of(tasks.source(recipe.task)),
        rewards=dict(module.split(":") for module in code),
        init_from=sha256(start / "adapter_model.safetensors") if start else None,
    )
    return Resolved(**dict(recipe), inputs=inputs)


def task_of(recipe: Recipe) -> Task:
    """The task that the adapter is trained for."""
    return tasks.load(recipe.task)


def hash_folder(folder: Path) -> dict[str, str]:
    """Digest of every file directly in a folder."""
    return {path.name: sha256(path) for path in sorted(folder.iterdir()) if path.is_file()}


def written(recipe: Resolved) -> Written:
    """The recipe as an adapter's folder holds it: with the installed versions that a training depends on."""
    return Written(**dict(recipe), versions={package: version(package) for package in PINNED})


def read(folder: Path) -> Written:
    """The recipe of a trained adapter.

    Args:
        folder: the adapter's.

    Raises:
        InputError: it has none, one of an older version of acrflow, or one that is not whole.
    """
    remedy = "train the adapter again: delete its folder, then snakemake; or name another adapter"
    path = folder / FILE
    if not path.is_file():
        older = (folder / "spec.json").is_file()
        what = "trained by an older version (spec.json in place of recipe.json)" if older else f"{FILE} is missing"
        raise InputError(folder, f"the adapter was {what}" if older else f"no whole adapter: {what}", remedy)
    try:
        return Written.model_validate(read_json(path))
    except (ValidationError, json.JSONDecodeError) as error:
        what = problems(error) if isinstance(error, ValidationError) else f"no JSON: {error}"
        raise InputError(path, what, remedy) from None


def made_by(out: Path, recipe: dict[str, Any]) -> bool:
    """Whether an adapter's folder holds what this recipe makes.

    Args:
        recipe: `Resolved` as plain values.
    """
    path = out / FILE
    if not path.exists():
        return False
    made = {key: value for key, value in read_json(path).items() if key != "versions"}
    return bool(made == recipe)


def difference(old: Any, new: Any, key: str = "") -> list[str]:
    """What differs between two recipes as plain values, as `key: old -> new`, one line each."""
    if isinstance(old, dict) and isinstance(new, dict):
        return [
            line
            for name in sorted(old.keys() | new.keys())
            for line in difference(old.get(name), new.get(name), f"{key}.{name}" if key else name)
        ]
    return [] if old == new else [f"{key}: {old} -> {new}"]
