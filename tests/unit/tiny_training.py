"""Trainings of a few steps on the tiny base: what the tests of training share."""

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import polars as pl

from acrflow import schemas
from acrflow.config import configuration
from acrflow.config.adapters import Reward, paper_adapters
from acrflow.config.recipe import Recipe
from acrflow.schemas.dataset import Examples
from acrflow.training import checkpoints
from acrflow.training.log import read_log
from acrflow.training.recipe import resolve
from acrflow.training.train import Environment, train, write_adapter

ROOT = Path(__file__).resolve().parents[2]
TINY = {
    "optimizer": "adamw_torch",
    "learning_rate": 5e-3,
    "schedule": "constant",
    "warmup_share": 0.0,
    "max_grad_norm": 1.0,
    "accumulation": 1,
    "save_every": 2,
    "lora": {"r": 4, "alpha": 8, "target_modules": ["q_proj", "v_proj", "up_proj"]},
}
SFT = {**TINY, "steps": 8, "batch": 8}
GRPO = {**TINY, "steps": 6, "batch": 4, "generations": 2, "completion_tokens": 12, "rollouts": "transformers"}


CONTROL = {"method": "grpo", "rewards": {"chance": 1.0}}


def recipe(name: str, sft: dict[str, Any] = SFT, grpo: dict[str, Any] = GRPO, **more: dict[str, Any]) -> Recipe:
    """The recipe of one of the shipped adapters, or one of `more`, with tiny hyperparameters."""
    adapters = {**paper_adapters(), "control": CONTROL, **more}
    values = {
        "base": {"model": "tiny", "dtype": "float32", "quantization": "none"},
        "models": {"embedder": "bundled", "judge": "base"},
        "training": {"sft": sft, "grpo": grpo},
        "adapters": adapters,
        "seed": 3,
    }
    return configuration.load(values, "test").recipe(name)


def with_rewards(wanted: Recipe, **options: dict[str, Any]) -> Recipe:
    """The recipe with further rewards of weight 1, or others of its own, each with options."""
    rewards = {name: Reward(options=given) for name, given in options.items()}
    return wanted.model_copy(update={"rewards": {**wanted.rewards, **rewards}})


def make(wanted: Recipe, base: str, examples: dict[str, Path], folder: Path, start: Path | None = None) -> pl.DataFrame:
    """Train in this process and write the adapter to `folder/out`."""
    file = examples[wanted.prompt]
    resolved = resolve(wanted, base, file, start)
    checkpoints.prepare(folder / "checkpoints", resolved, restart=False)
    frame = schemas.read(Examples, file)
    last = train(resolved, frame, Environment(base, folder / "checkpoints", start, folder / "board"))
    assert last is not None
    write_adapter(resolved, base, last, folder / "out")
    return read_log(folder / "out")


def command(wanted: Recipe, base: str, examples: dict[str, Path], folder: Path) -> list[str]:
    """The command line of the same."""
    return [
        *(
            sys.executable,
            str(ROOT / "scripts/adapters/train_adapter.py"),
            "--recipe",
            wanted.model_dump_json(),
            "--base",
            base,
        ),
        *("--examples", str(examples[wanted.prompt])),
        *("--checkpoints", str(folder / "checkpoints"), "--out", str(folder / "out")),
        *("--ledger", str(folder / "ledger.json"), "--tensorboard", str(folder / "board")),
    ]


def weights(folder: Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    return load_file(folder / "out/adapter_model.safetensors")


def wait_for(condition: Any, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + 120
    while not condition() and process.poll() is None:
        assert time.monotonic() < until, "nothing happened for two minutes"
        time.sleep(0.01)
