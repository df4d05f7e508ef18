"""The recipe of an adapter: its spec plus the hashes of everything else that decides its weights."""

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

from acrflow import rewards, tasks
from acrflow.io.files import read_json, sha256
from acrflow.tasks.task import Task

PINNED = (
    *("torch", "transformers", "tokenizers", "trl", "peft", "accelerate", "datasets"),
    *("sentence-transformers", "pytorch-optimizer"),
)

Recipe = dict[str, Any]


def resolve(spec: Recipe, base: str, examples: Path, start: Path | None = None) -> Recipe:
    """The spec with hashes of the base model, the examples and the code of the rewards.

    Args:
        spec: `acrflow.config.configuration.Config.spec(adapter)`.
        base: folder, or hub name (whose revision the spec holds).
        examples: the examples file.
        start: folder of the adapter that the training starts from.
    """
    folder = Path(rewards.__file__).parent
    return {
        **spec,
        "inputs": {
            "base": hash_folder(Path(base)) if Path(base).is_dir() else base,
            "examples": sha256(examples),
            "task": sha256(tasks.source(spec.get("task", tasks.DEFAULT))),
            "rewards": {name: sha256(folder / f"{name}.py") for name in spec["rewards"]},
            **({"init_from": sha256(start / "adapter_model.safetensors")} if start else {}),
        },
    }


def task_of(recipe: Recipe) -> Task:
    """The task that the adapter is trained for."""
    return tasks.load(recipe.get("task", tasks.DEFAULT))


def hash_folder(folder: Path) -> dict[str, str]:
    """Digest of every file directly in a folder."""
    return {path.name: sha256(path) for path in sorted(folder.iterdir()) if path.is_file()}


def versions() -> dict[str, str]:
    """The installed versions that a training depends on."""
    return {package: version(package) for package in PINNED}


def made_by(out: Path, recipe: Recipe) -> bool:
    """Whether an adapter's folder holds what this recipe makes."""
    spec = out / "spec.json"
    if not spec.exists():
        return False
    made = {key: value for key, value in read_json(spec).items() if key != "versions"}
    return bool(made == json.loads(json.dumps(recipe)))


def difference(old: Any, new: Any, key: str = "") -> list[str]:
    """What differs between two recipes, as `key: old -> new`, one line each."""
    if isinstance(old, dict) and isinstance(new, dict):
        return [
            line
            for name in sorted(old.keys() | new.keys())
            for line in difference(old.get(name), new.get(name), f"{key}.{name}" if key else name)
        ]
    return [] if old == new else [f"{key}: {old} -> {new}"]
