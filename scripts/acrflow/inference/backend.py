"""What generates: one small interface, and the one function that opens a language model behind it.

Importing this module loads neither torch nor vLLM; opening a backend does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from acrflow.config.language_model import LanguageModel
from acrflow.io.errors import InputError
from acrflow.io.files import sha256

Conversation = list[dict[str, str]]  # messages, each with role and content


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


def open_language_model(
    settings: LanguageModel, adapters: Mapping[str, Path] | None = None, merge: bool = False, at_once: int = 8
) -> Backend:
    """Load a language model once, with all its adapters, or connect to the server that has it.

    Args:
        settings: which model, and where it runs.
        adapters: name -> folder with adapter_model.safetensors and adapter_config.json (PEFT).
        merge: merge the adapter into the base before it answers, instead of computing it beside the base.
        at_once: requests to a server under way at a time.

    Raises:
        InputError: the base or an adapter cannot be loaded, or this machine lacks what the backend needs.
    """
    adapters = adapters or {}
    for folder in adapters.values():
        for file in ("adapter_config.json", "adapter_model.safetensors"):
            if not (folder / file).is_file():
                raise InputError(folder, f"no adapter: {file} is missing", "train the adapter first (train_adapter)")
    if settings.backend == "server":
        from acrflow.inference.server import ServerBackend

        if adapters:
            raise InputError("evaluation.backend", "a server loads no adapters from here", "name the served model")
        return ServerBackend(settings, at_once)
    if settings.backend == "vllm":
        from acrflow.inference.vllm import VllmBackend

        return VllmBackend(settings, adapters, merge)
    from acrflow.inference.transformers import TransformersBackend

    return TransformersBackend(settings, adapters, merge)


def identity(settings: LanguageModel) -> dict[str, Any]:
    """What decides a model's answers beside prompts and decoding: a folder by the hash of its weights, hub by name."""
    return {
        "backend": settings.backend,
        "server": settings.url if settings.backend == "server" else None,
        "base": settings.model_dump(include={"model", "revision", "dtype", "quantization", "template"}),
        "base_weights": {file.name: sha256(file) for file in sorted(Path(settings.model).glob("*.safetensors"))},
    }


def batch_seed(seed: int, batch_number: int) -> int:
    """Own stream per batch; 1,000,003 is a prime far above any batch size, so that streams do not meet."""
    return (seed * 1_000_003 + batch_number * 10_007) % 2**31
