"""Rollouts with vLLM from the policy that is trained: base and adapter stay apart, the adapter is a LoRA request.

TRL 1.16 merges the adapter into the base before each rollout and takes it out again. In bfloat16 an update at a
learning rate of 5e-6 is smaller than half a unit in the last place of most weights, so that vLLM would sample from
nearly the untrained base, and the base itself is left changed (huggingface/trl issue 6688). Here the base's weights
are loaded by vLLM once and never touched; after each step the adapter alone is written to a folder and given to vLLM
under a new name. Its weights are their own small numbers, which bfloat16 holds as well as any.

Relies on these seams of TRL: `trl.trainer.grpo_trainer.VLLMGeneration` (the class that the trainer makes),
`trl.generation.vllm_generation.LLM` (the engine that it opens), its methods `_init_vllm`, `sync_weights`, `generate`
and its attributes `llm`, `vllm_client`, `model`, `accelerator`, `mode`; `tests/unit/test_lora_rollouts.py` names them.
"""

import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

from trl.generation import vllm_generation
from trl.generation.vllm_client import VLLMClient
from trl.trainer import grpo_trainer

from acrflow.models.base import rank_for

MEMORY = Path("/dev/shm")  # a folder in memory, where the system has one


class LoraGeneration(vllm_generation.VLLMGeneration):
    """TRL's generation with vLLM, the adapter beside the base instead of merged into it.

    Args:
        shared: folder that a vLLM server can read, on whatever node it runs; None where vLLM is in this process.
        The others are TRL's.
    """

    def __init__(self, *args: Any, shared: Path | None = None, **kwargs: Any):
        self._prepare(shared)
        super().__init__(*args, **kwargs)

    def _prepare(self, shared: Path | None) -> None:
        self._shared, self._version = shared, 0
        self._name = f"policy-{uuid.uuid4().hex[:8]}"  # a server may still hold another training's
        self._folder: Path | None = None
        self._request: Any = None

    def _init_vllm(self) -> None:
        """Open vLLM with room for one adapter; a server is only greeted: no weights are ever sent to it."""
        if self.mode == "server":
            if self.accelerator.is_main_process:
                self.vllm_client = VLLMClient(
                    base_url=self.server_base_url, group_port=self.group_port, connection_timeout=self.server_timeout
                )
            self.accelerator.wait_for_everyone()
            return
        policy: Any = self.model
        rank = max(shape.r for shape in policy.peft_config.values())
        options: dict[str, Any] = {"enable_lora": True, "max_loras": 1, "max_lora_rank": rank_for(rank)}
        # vLLM would load float32 weights as bfloat16, and the policy would be another one than the trained
        options["dtype"] = str(policy.get_base_model().dtype).removeprefix("torch.")
        with mock.patch.object(vllm_generation, "LLM", partial(vllm_generation.LLM, **options)):
            super()._init_vllm()
        plain = self.llm.generate
        self.llm.generate = lambda *args, **kwargs: plain(*args, **kwargs, lora_request=self._request)

    def sync_weights(self) -> None:
        """Give vLLM the adapter as it is now, under a new name, and let go of the one before."""
        self._version += 1
        name, before = f"{self._name}-{self._version}", self._folder
        self._folder = self._folder_of(name)
        if self.mode == "colocate" or self.accelerator.is_main_process:
            write_adapter(self.model, self._folder)
        if self.mode == "server":
            self._serve(name)
        else:
            from vllm.lora.request import LoRARequest

            self._request = LoRARequest(name, self._version, str(self._folder))
            self.llm.llm_engine.add_lora(self._request)
            if before is not None:
                self.llm.llm_engine.remove_lora(self._version - 1)
        if before is not None:
            shutil.rmtree(before, ignore_errors=True)

    def _folder_of(self, name: str) -> Path:
        """A folder for the adapter: in memory for vLLM in this process, else where the server can read it."""
        if self.mode == "server":
            assert self._shared is not None
            return self._shared / name
        return Path(tempfile.mkdtemp(prefix="acrflow-policy-", dir=MEMORY if MEMORY.is_dir() else None))

    def _serve(self, name: str) -> None:
        """Have the server load the adapter and answer with it from now on."""
        if self.accelerator.is_main_process:
            client: Any = self.vllm_client
            load = {"lora_name": name, "lora_path": str(Path(self._folder or "").absolute())}
            answer = client.session.post(f"{client.base_url}/v1/load_lora_adapter", json=load)
            if answer.status_code != 200:
                what = f"the vLLM server did not load the adapter: {answer.status_code} {answer.text}"
                raise RuntimeError(f"{what}; is it started with VLLM_ALLOW_RUNTIME_LORA_UPDATING=1 and --enable-lora?")
            if client.model.startswith(self._name):
                client.session.post(f"{client.base_url}/v1/unload_lora_adapter", json={"lora_name": client.model})
            client.model = name
        self.accelerator.wait_for_everyone()


def write_adapter(model: Any, folder: Path) -> None:
    """Write the adapter alone, in PEFT's format."""
    model.save_pretrained(str(folder), selected_adapters=["default"])


@contextmanager
def lora_requests(shared: Path | None = None) -> Iterator[None]:
    """While a trainer is made: have it generate with `LoraGeneration`."""
    with mock.patch.object(grpo_trainer, "VLLMGeneration", partial(LoraGeneration, shared=shared)):
        yield
