"""Rollouts with vLLM from base and adapter apart: what can be held without vLLM. The rest is in tests/with_vllm."""

import inspect
import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any

import pytest
from tiny_training import GRPO, recipe

from acrflow.config import configuration
from acrflow.io.errors import InputError
from acrflow.training import rollouts
from acrflow.training.callbacks import LARGEST_MISMATCH, MISMATCH, STOPPED_AFTER, WARNED_AFTER, Watch
from acrflow.training.crash import Stopped


def test_the_seams_of_trl_are_where_they_were() -> None:
    from trl.generation.vllm_client import VLLMClient
    from trl.generation.vllm_generation import VLLMGeneration
    from trl.trainer import grpo_trainer

    assert grpo_trainer.VLLMGeneration is VLLMGeneration
    source = inspect.getsource(VLLMGeneration)
    for name in ("def _init_vllm(self)", "def sync_weights(self)", "self.llm = LLM(", "self.llm.generate("):
        assert name in source, name
    assert '"model": self.model' in inspect.getsource(VLLMClient.generate)
    made = inspect.getsource(grpo_trainer.GRPOTrainer)
    assert "self.vllm_generation = VLLMGeneration(" in made and "self.vllm_generation.sync_weights()" in made


def test_while_a_trainer_is_made_it_generates_with_the_adapter_apart() -> None:
    from trl.trainer import grpo_trainer

    from acrflow.training.lora_rollouts import LoraGeneration, lora_requests

    plain = grpo_trainer.VLLMGeneration
    with lora_requests():
        assert grpo_trainer.VLLMGeneration.func is LoraGeneration
    assert grpo_trainer.VLLMGeneration is plain


class Handler(BaseHTTPRequestHandler):
    """Loads adapters as `vllm serve` does: a name twice is an error."""

    calls: list[tuple[str, Any]]
    loaded: set[str]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.calls.append((self.path, body))
        name = body["lora_name"]
        fine = name in self.loaded if "unload" in self.path else name not in self.loaded
        (self.loaded.discard if "unload" in self.path else self.loaded.add)(name)
        self.send_response(200 if fine else 400)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


def test_a_server_gets_every_step_s_adapter_under_a_name_of_its_own(tmp_path: Path) -> None:
    import requests

    from acrflow.training.lora_rollouts import LoraGeneration

    handler = type("Own", (Handler,), {"calls": [], "loaded": set()})
    server = HTTPServer(("127.0.0.1", 0), handler)
    Thread(target=server.serve_forever, daemon=True).start()
    written = []

    def save(folder: str, selected_adapters: list[str]) -> None:
        Path(folder).mkdir(parents=True)
        written.append(folder)

    def training() -> Any:
        one: Any = LoraGeneration.__new__(LoraGeneration)
        one.mode, one.model = "server", SimpleNamespace(save_pretrained=save)
        one.accelerator = SimpleNamespace(is_main_process=True, wait_for_everyone=lambda: None)
        address = f"http://127.0.0.1:{server.server_port}"
        one.vllm_client = SimpleNamespace(session=requests.Session(), base_url=address, model="base")
        one._prepare(tmp_path)
        return one

    for _ in range(2):  # a second training finds the server as the first one left it
        one = training()
        one.sync_weights()
        first = one.vllm_client.model
        one.sync_weights()
        assert one.vllm_client.model != first and not Path(written[-2]).exists() and Path(written[-1]).exists()
    server.shutdown()
    assert [path for path, _ in handler.calls].count("/v1/load_lora_adapter") == 4
    assert len(handler.loaded) == 2  # the last one of each training


def test_a_server_that_does_not_take_the_adapter_ends_the_training(tmp_path: Path) -> None:
    from acrflow.training.lora_rollouts import LoraGeneration

    one: Any = LoraGeneration.__new__(LoraGeneration)
    refused = SimpleNamespace(status_code=404, text="not found")
    session = SimpleNamespace(post=lambda *_, **__: refused)
    one.vllm_client = SimpleNamespace(session=session, base_url="http://x", model="base")
    one.accelerator = SimpleNamespace(is_main_process=True, wait_for_everyone=lambda: None)
    one._prepare(tmp_path)
    with pytest.raises(RuntimeError, match="VLLM_ALLOW_RUNTIME_LORA_UPDATING"):
        one._serve("policy-1")


def test_the_server_s_command_has_room_for_the_adapter_and_the_base_s_own_type() -> None:
    command = rollouts.by_hand("some/base", 24, "bfloat16")
    assert command.startswith("VLLM_SERVER_DEV_MODE=1 VLLM_ALLOW_RUNTIME_LORA_UPDATING=1 vllm serve some/base")
    assert "--enable-lora" in command and "--max-lora-rank 32" in command and "--dtype bfloat16" in command


def test_dora_with_vllm_is_refused_with_the_configuration() -> None:
    with pytest.raises(InputError, match=r"not with DoRA; set training.grpo.rollouts to transformers"):
        recipe("control", grpo={**GRPO, "rollouts": "vllm", "lora": {"dora": True}})
    assert configuration.Config().recipe("baseline").training.rollouts == "vllm"


def test_completions_of_another_policy_are_warned_of_and_then_stop_the_training(
    capsys: pytest.CaptureFixture[str],
) -> None:
    watch, history = Watch(), []

    def step(number: int, difference: float) -> None:
        history.append({"step": number, MISMATCH: difference})
        state = SimpleNamespace(global_step=number, log_history=history)
        watch.on_log(SimpleNamespace(), state, SimpleNamespace(), logs={"loss": 0.0, MISMATCH: difference})  # type: ignore[arg-type]

    for number in range(1, 30):
        step(number, LARGEST_MISMATCH / 2)
    assert capsys.readouterr().out == ""
    for number in range(30, 30 + WARNED_AFTER):
        step(number, 2 * LARGEST_MISMATCH)
    assert "another policy" in capsys.readouterr().out
    with pytest.raises(Stopped, match="another policy"):
        for number in range(40, 40 + STOPPED_AFTER):
            step(number, 2 * LARGEST_MISMATCH)
