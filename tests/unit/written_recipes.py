"""Recipes as trained adapters' folders hold them, for tests that train nothing."""

from pathlib import Path
from typing import Any

from acrflow.config import configuration
from acrflow.io.files import write_json
from acrflow.training.recipe import FILE, Inputs, Written

INPUTS = Inputs(base="some/base", examples="0" * 64, task="0" * 12, rewards={})


def write_recipe(folder: Path, adapter: dict[str, Any], **training: Any) -> None:
    """Write the recipe of an adapter of the tiny base to its folder, as a training would leave it.

    Args:
        adapter: as in the configuration.
        training: hyperparameters other than the default ones.
    """
    values = {
        "base": {"model": "tiny", "dtype": "float32"},
        "adapters": {folder.name: {**adapter, "training": training}},
        "seed": 7,
    }
    recipe = configuration.load(values, "test").recipe(folder.name)
    written = Written(**dict(recipe), inputs=INPUTS, versions={"torch": "2.13.0"})
    write_json(folder / FILE, written.model_dump(mode="json"))
