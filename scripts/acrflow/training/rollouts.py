"""A vLLM server of a training's own, in the same job: on some GPUs of its node, or on the last of its nodes.

The server is vLLM's own. It loads the base once; after every step it is told where the adapter lies (`lora_rollouts`),
on a disk that it shares with the training. No weights of the base are ever sent.
"""

import os
import shlex
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from acrflow.io.errors import InputError
from acrflow.models.base import rank_for

START = 1200.0  # seconds in which a large model is loaded from a shared disk
VLLM = "vllm.entrypoints.cli.main"  # the command `vllm`, of the same environment
# the endpoint that says how log-probabilities are computed, and the one that takes another adapter
VARIABLES = ("VLLM_SERVER_DEV_MODE=1", "VLLM_ALLOW_RUNTIME_LORA_UPDATING=1")


def options(rank: int, dtype: str) -> list[str]:
    """What a server is started with beside its model: room for one adapter, the base's own type, and log-probabilities
    after the temperature, which TRL's trainer compares with its own."""
    lora = ("--enable-lora", "--max-loras", "1", "--max-lora-rank", str(rank_for(rank)), "--dtype", dtype)
    return [*lora, "--logprobs-mode", "processed_logprobs", "--max-logprobs", "-1"]


def by_hand(model: str, rank: int, dtype: str) -> str:
    """The command line of a server, for messages."""
    return f"{' '.join(VARIABLES)} vllm serve {model} {shlex.join(options(rank, dtype))}"


@dataclass(frozen=True)
class Server:
    """What a server is started with.

    Attributes:
        model: folder or hub name.
        gpus, tensor_parallel: GPUs in all, and how many share one copy of the model.
        host, port: the address it listens on: the machine itself, or the node's name where trainers are elsewhere.
        log: its output.
        rank, dtype: of the adapter that it answers with, and of the base's weights.
    """

    model: str
    gpus: int
    tensor_parallel: int
    host: str
    port: int
    log: Path
    rank: int = 32
    dtype: str = "bfloat16"

    def command(self) -> list[str]:
        """The call; SIGTERM is kept from it, because the training that hears it may need one more rollout to save."""
        copies = self.gpus // self.tensor_parallel
        return [
            *("env", "--block-signal=TERM", *VARIABLES, sys.executable, "-m", VLLM, "serve", self.model),
            *("--host", self.host, "--port", str(self.port)),
            *("--tensor-parallel-size", str(self.tensor_parallel), "--data-parallel-size", str(copies)),
            *options(self.rank, self.dtype),
        ]

    @property
    def address(self) -> str:
        return f"http://{self.host}:{self.port}"


@contextmanager
def running(command: list[str], server: Server, environment: dict[str, str], every: float = 2.0) -> Iterator[None]:
    """Start a server, wait until it answers, end it afterwards.

    Raises:
        InputError: it has ended, or does not answer within `START`.
    """
    server.log.parent.mkdir(parents=True, exist_ok=True)
    with open(server.log, "wb") as log:
        process = subprocess.Popen(
            command, env=os.environ | environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        print(f"waiting for the vLLM server at {server.address} (log: {server.log})", flush=True)
        began = time.monotonic()
        while not answers(server.address):
            if process.poll() is not None:
                raise _error(server, f"the vLLM server ended with status {process.returncode}")
            if time.monotonic() - began > START:
                raise _error(server, f"the vLLM server does not answer after {START / 60:.0f} minutes")
            time.sleep(every)
        print(f"the vLLM server answers after {time.monotonic() - began:.0f} s", flush=True)
        yield
    finally:
        with suppress(ProcessLookupError):  # it holds nothing that must be saved, and does not hear SIGTERM
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def answers(address: str) -> bool:
    """Whether a server is ready."""
    try:
        with urllib.request.urlopen(f"{address}/health", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _error(server: Server, what: str) -> InputError:
    last = "\n".join(server.log.read_text(errors="replace").splitlines()[-10:])
    remedy = "mend what its log says (memory: resources.train_adapter.server_gpus, launch.vllm_tensor_parallel)"
    return InputError(server.log, f"{what}; it said last:\n{last}", remedy)
