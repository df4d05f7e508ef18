"""The shipped configuration of Gazal-R1: its published values, and a run at tiny scale."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from tiny_training import ROOT, make, recipe, weights

from acrflow.config import configuration
from acrflow.io import code
from acrflow.io.errors import InputError
from acrflow.io.files import read_json
from acrflow.training import checkpoints
from acrflow.training import recipe as training_recipe

SMALL = {"steps": 2, "batch": 4, "accumulation": 2, "save_every": 1, "learning_rate": 1e-3}
SHAPE = {"r": 4, "alpha": 8}


def gazal() -> dict[str, Any]:
    values: dict[str, Any] = yaml.safe_load((ROOT / "config/gazal_r1.yaml").read_text())
    return values


def test_gazal_r1_has_the_published_values() -> None:
    loaded = configuration.load(gazal(), "gazal_r1.yaml")
    sft, grpo = (loaded.recipe(name).training.model_dump() for name in ("gazal_sft", "gazal_r1"))
    shape = {"r": 256, "alpha": 512, "dropout": 0.1, "rslora": True, "dora": True}
    assert all(part["optimizer"] == "exadam" and shape.items() <= part["lora"].items() for part in (sft, grpo))
    assert len(sft["lora"]["target_modules"]) == 7
    assert (sft["learning_rate"], sft["schedule"], sft["warmup_share"], sft["weight_decay"]) == (
        2e-5,
        "cosine",
        0.05,
        0.1,
    )
    assert sft["batch"] * sft["accumulation"] == 128
    published = {"learning_rate": 1e-6, "schedule": "constant", "epsilon_high": 0.28, "beta": 0.0, "loss": "bnpo"}
    published |= {"generations": 4, "temperature": 0.6, "top_k": 20, "top_p": 0.95, "completion_tokens": 4096}
    assert published.items() <= grpo.items()
    assert grpo["mask_truncated"]
    assert grpo["batch"] * grpo["accumulation"] == 32 * 4
    assert (loaded.recipe("gazal_sft").seed, loaded.recipe("gazal_r1").seed) == (3407, 3047)
    assert set(loaded.adapters) == {"gazal_sft", "gazal_r1"}


def test_gazal_r1_runs_at_tiny_scale(tiny_base: str, examples: dict[str, Path], tmp_path: Path) -> None:
    """Both stages with the recipe's optimizer, adapter, loss, clip, mask and rewards; only sizes are smaller."""
    values = gazal()
    for stage in ("sft", "grpo"):
        settings = values["training"][stage]
        settings |= {**SMALL, "lora": {**settings["lora"], **SHAPE}}
    values["training"]["grpo"] |= {"completion_tokens": 16, "rollouts": "transformers"}
    values["base"] = {"model": "tiny", "dtype": "float32", "quantization": "none"}
    loaded = configuration.load(values, "gazal_r1.yaml")

    make(loaded.recipe("gazal_sft"), tiny_base, examples, tmp_path / "sft")
    log = make(loaded.recipe("gazal_r1"), tiny_base, examples, tmp_path / "grpo", start=tmp_path / "sft/out")
    assert log.filter(pl.col("metric") == "reward")["step"].to_list() == [1, 2]
    assert {f"rewards/{name}/mean" for name in ("answer", "format", "cosine_length", "repetition")} <= set(
        log["metric"]
    )
    before, after = weights(tmp_path / "sft"), weights(tmp_path / "grpo")
    assert any((before[key] != tensor).any() for key, tensor in after.items())
    written = read_json(tmp_path / "grpo/out/adapter_config.json")
    assert written["use_dora"] and written["use_rslora"]


@pytest.mark.parametrize(
    ("module", "refused"), [("tasks/completion.py", True), ("rewards/answer.py", True), ("rewards/chance.py", False)]
)
def test_a_checkpoint_does_not_survive_an_edit_of_what_its_rewards_import(
    tiny_base: str,
    examples: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    module: str,
    refused: bool,
) -> None:
    def prepare() -> None:
        resolved = training_recipe.resolve(recipe("baseline"), tiny_base, examples["reasoning"])
        checkpoints.prepare(tmp_path, resolved, restart=False)

    prepare()
    (tmp_path / "checkpoint-2").mkdir()
    checkpoints.mark(tmp_path, 2)
    prepare()
    read = code._read
    edited = lambda path: ("edited", read(path)[1]) if path == code.LIBRARY / module else read(path)  # noqa: E731
    monkeypatch.setattr(code, "_read", edited)
    if not refused:
        prepare()
        return
    with pytest.raises(InputError, match=rf"inputs\.rewards\.{module[:-3].replace('/', '.')}: \w+ -> edited"):
        prepare()
