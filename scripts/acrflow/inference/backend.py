"""What generates: one small interface, and the choice of a backend behind it.

Importing this module loads neither torch nor vLLM; opening a backend does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from acrflow.io.errors import InputError

Conversation = list[dict[str, str]]  # messages, each with role and content
BACKENDS = ("transformers", "vllm", "server")


@dataclass(frozen=True)
class Base:
    """The model that answers, alone or with one of its adapters.

    Attributes:
        model: hub name or local folder; with the server backend, the model's name on the server.
        revision: commit of the hub repository.
        dtype: type of the weights.
        quantization: "4bit" needs a GPU and bitsandbytes.
        template: options of its chat template.
    """

    model: str
    revision: str | None = None
    dtype: Literal["float32", "bfloat16"] = "float32"
    quantization: Literal["none", "4bit"] = "none"
    template: Mapping[str, bool | int | float | str] = field(default_factory=dict)


@dataclass(frozen=True)
class Server:
    """An OpenAI-compatible server.

    Attributes:
        url: base address, up to and with /v1.
        key: environment variable that holds the key; sent only if it is set, shown nowhere.
        at_once: requests under way at a time.
    """

    url: str = "http://127.0.0.1:8000/v1"
    key: str = "OPENAI_API_KEY"
    at_once: int = 8


@dataclass(frozen=True)
class Choice:
    """Which backend, and what it is opened with.

    Attributes:
        backend: one of `BACKENDS`.
        base: the model that all adapters share.
        adapters: name -> folder with adapter_model.safetensors and adapter_config.json (PEFT).
        merge: merge the adapter into the base before it answers, instead of computing it beside the base.
        server: for the server backend.
    """

    backend: str
    base: Base
    adapters: Mapping[str, Path] = field(default_factory=dict)
    merge: bool = False
    server: Server = Server()


@dataclass(frozen=True)
class Decoding:
    """How completions are drawn.

    Attributes:
        max_new_tokens: length limit, in tokens.
        seed: None decodes greedily; a number samples.
        temperature, top_p: of sampling; no other filter (such as top-k) is applied.
    """

    max_new_tokens: int
    seed: int | None = None
    temperature: float = 1.0
    top_p: float = 1.0


@dataclass(frozen=True)
class Generated:
    """One completion: its text without special tokens, its length with the end of sequence, and whether it was cut."""

    text: str
    tokens: int
    truncated: bool


class Backend(Protocol):
    """What generates: conversations in, completions out, in the same order."""

    def generate(
        self, conversations: Sequence[Conversation], decoding: Decoding, batch_number: int, adapter: str | None = None
    ) -> list[Generated]:
        """Complete one batch; sampling depends on (seed, batch number) only, so that a resumed run repeats itself."""
        ...

    def choose(
        self,
        conversations: Sequence[Conversation],
        openings: Sequence[str],
        candidates: Sequence[str],
        adapter: str | None = None,
    ) -> list[list[float] | None]:
        """Probability of each candidate as what follows the opening of an answer, among the candidates.

        See `acrflow.inference.candidates`; None where the backend cannot tell.
        """
        ...


def open_backend(choice: Choice) -> Backend:
    """Load the base model once, with all its adapters.

    Raises:
        InputError: the base or an adapter cannot be loaded, or this machine lacks what the backend needs.
    """
    for folder in choice.adapters.values():
        for file in ("adapter_config.json", "adapter_model.safetensors"):
            if not (folder / file).is_file():
                raise InputError(folder, f"no adapter: {file} is missing", "train the adapter first (train_adapter)")
    if choice.backend == "server":
        from acrflow.inference.server import ServerBackend

        return ServerBackend(choice)
    if choice.backend == "vllm":
        from acrflow.inference.vllm import VllmBackend

        return VllmBackend(choice)
    from acrflow.inference.transformers import TransformersBackend

    return TransformersBackend(choice)


def batch_seed(seed: int, batch_number: int) -> int:
    """Own stream per batch; 1,000,003 is a prime far above any batch size, so that streams do not meet."""
    return (seed * 1_000_003 + batch_number * 10_007) % 2**31
