"""GRPO trained through vLLM's CPU build, for real: completions come from the policy that is trained."""

import json
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from programs import HANGING
from test_vllm import CONVERSATIONS, GREEDY
from tiny_training import GRPO, make, recipe

from acrflow.config.language_model import LanguageModel
from acrflow.config.recipe import Recipe
from acrflow.inference.backend import open_language_model
from acrflow.training import rollouts
from acrflow.training.callbacks import MISMATCH
from acrflow.training.processes import SERVER, free_port

STEPS = 10
TEN = {**GRPO, "steps": STEPS, "save_every": 5, "rollouts": "vllm"}

pytestmark = pytest.mark.vllm


@pytest.fixture(autouse=True)
def modest(monkeypatch: pytest.MonkeyPatch) -> None:
    """1 GB for vLLM's cache, which would else be 92 % of the machine; and no word unless something is wrong."""
    monkeypatch.setenv("VLLM_CPU_KVCACHE_SPACE", "1")
    monkeypatch.setenv("VLLM_LOGGING_LEVEL", "ERROR")


def control(**settings: Any) -> Recipe:
    """A recipe whose reward is drawn by chance: every group has a spread, so that every step changes the adapter."""
    return recipe("control", grpo={**TEN, **settings})


def differences(log: pl.DataFrame) -> list[float]:
    return log.filter(pl.col("metric") == MISMATCH)["value"].to_list()


def test_ten_steps_in_one_process_sample_from_the_trained_policy_and_leave_the_base_as_it_was(
    tiny_base: str, examples: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch
    from safetensors.torch import load_file

    from acrflow.training import grpo

    kept: list[Any] = []
    plain = grpo.trainer
    monkeypatch.setattr(grpo, "trainer", lambda *args: kept.append(plain(*args)) or kept[-1])
    log = make(control(), tiny_base, examples, tmp_path)
    found = differences(log)
    assert len(found) == STEPS and max(found) < 1e-3, found  # both compute in float32
    before = load_file(Path(tiny_base) / "model.safetensors")
    after = kept[0].model.get_base_model().state_dict()
    for name, tensor in before.items():
        module, _, kind = name.rpartition(".")
        held = after.get(name, after.get(f"{module}.base_layer.{kind}"))
        assert torch.equal(tensor, held), name  # bit by bit
    adapter = load_file(tmp_path / "out/adapter_model.safetensors")
    assert all(tensor.abs().max() > 0 for name, tensor in adapter.items() if "lora_B" in name)

    answers = {
        backend: open_language_model(
            LanguageModel(model=tiny_base, backend=backend, dtype="float32"), {"trained": tmp_path / "out"}
        ).generate(CONVERSATIONS, GREEDY, 0, "trained")
        for backend in ("vllm", "transformers")
    }
    assert answers["vllm"] == answers["transformers"]


def test_ten_steps_with_a_server_sample_from_the_trained_policy(
    tiny_base: str, examples: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = control(rollouts="vllm_server")
    port = free_port()
    options = rollouts.options(wanted.training.lora.r, "float32")
    # the command `vllm` looks for a package of that name, which the build for CPUs does not have
    command = [sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", tiny_base, "--port", str(port)]
    command += ["--host", "127.0.0.1", "--max-model-len", "1024", *options]
    environment = dict(one.split("=") for one in rollouts.VARIABLES)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    address = f"http://127.0.0.1:{port}"
    with open(tmp_path / "server.log", "wb") as output:
        server = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
    try:
        until = time.monotonic() + HANGING
        while not rollouts.answers(address):
            assert server.poll() is None and time.monotonic() < until, (tmp_path / "server.log").read_text()[-3000:]
            time.sleep(1)
        monkeypatch.setenv(SERVER, address)
        found = differences(make(wanted, tiny_base, examples, tmp_path))
        assert len(found) == STEPS and max(found) < 1e-3, found
        with urllib.request.urlopen(f"{address}/v1/models", timeout=10) as answer:
            served = [model["id"] for model in json.load(answer)["data"]]
        assert len([name for name in served if name.startswith("policy-")]) == 1, served  # the last step's alone
        assert (
            not (tmp_path / "checkpoints/policy").exists()
            or len(list((tmp_path / "checkpoints/policy").iterdir())) <= 1
        )
    finally:
        server.terminate()
        server.wait()
