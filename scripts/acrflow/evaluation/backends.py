"""Backends that generate completions: transformers (CPU or GPU) and vLLM (GPU), behind one small interface.

Importing this module loads neither torch nor vLLM; opening a backend does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from acrflow.dataset.tokenizer import load_tokenizer
from acrflow.errors import InputError
from acrflow.files import read_json

Conversation = list[dict[str, str]]  # messages, each with role and content

NO_MODEL = "give a hub name, or a folder with config.json, model.safetensors and the tokenizer's files"


@dataclass(frozen=True)
class Base:
    """The base model that all adapters share.

    Attributes:
        model: hub name or local folder.
        revision: commit of the hub repository.
        dtype: type of the weights.
        quantization: "4bit" needs a GPU and bitsandbytes.
    """

    model: str
    revision: str | None = None
    dtype: Literal["float32", "bfloat16"] = "float32"
    quantization: Literal["none", "4bit"] = "none"


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

    def generate(self, conversations: Sequence[Conversation], decoding: Decoding, batch_number: int) -> list[Generated]:
        """Complete one batch; sampling depends on (seed, batch number) only, so that a resumed run repeats itself."""
        ...


def open_backend(name: str, base: Base, adapter: Path | None) -> Backend:
    """Load the base model once, with its adapter if there is one.

    Args:
        name: "transformers" or "vllm".
        base: the base model.
        adapter: folder with adapter_model.safetensors and adapter_config.json (PEFT), or None for the base alone.

    Raises:
        InputError: the base or the adapter cannot be loaded, or this machine lacks what the backend needs.
    """
    if adapter is not None:
        for file in ("adapter_config.json", "adapter_model.safetensors"):
            if not (adapter / file).is_file():
                raise InputError(adapter, f"no adapter: {file} is missing", "train the adapter first (train_adapter)")
    return VllmBackend(base, adapter) if name == "vllm" else TransformersBackend(base, adapter)


class TransformersBackend:
    """Batched generation with left padding; runs anywhere."""

    def __init__(self, base: Base, adapter: Path | None):
        import torch
        from transformers import AutoModelForCausalLM
        from transformers.utils import logging

        logging.disable_progress_bar()  # of the weights; the rows have their own
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        options: dict[str, Any] = {"dtype": base.dtype, "revision": base.revision}
        if base.quantization == "4bit":
            if self._device == "cpu":
                raise InputError("base.quantization", "4bit needs a GPU", "set it to none, or run on a GPU")
            from transformers import BitsAndBytesConfig

            options["quantization_config"] = BitsAndBytesConfig(
                load_in_4bit=True,
                bnb_4bit_quant_type="nf4",
                bnb_4bit_use_double_quant=True,
                bnb_4bit_compute_dtype=base.dtype,
            )
        self._tokenizer = load_tokenizer(base.model, base.revision)
        try:
            model: Any = AutoModelForCausalLM.from_pretrained(base.model, use_safetensors=True, **options)
        except (OSError, ValueError) as error:
            raise InputError(base.model, f"the base model cannot be loaded: {error}", NO_MODEL) from error
        if adapter is not None:
            from peft import PeftModel

            try:
                model = PeftModel.from_pretrained(model, str(adapter))
            except (RuntimeError, ValueError) as error:
                remedy = "use the base model that the adapter was trained on, named in its spec.json"
                raise InputError(adapter, f"the adapter does not fit {base.model}: {error}", remedy) from error
        self._model = model.eval() if base.quantization == "4bit" else model.to(self._device).eval()
        ends = self._model.generation_config.eos_token_id  # one, several (Llama 3.1) or none
        self._ends = sorted({self._tokenizer.eos_token_id, *(ends if isinstance(ends, list) else [ends])} - {None})

    def generate(self, conversations: Sequence[Conversation], decoding: Decoding, batch_number: int) -> list[Generated]:
        """See `Backend.generate`."""
        import torch
        from transformers import GenerationConfig

        prompts = prompt_tokens(self._tokenizer, conversations)
        inputs = self._tokenizer.pad({"input_ids": prompts}, padding_side="left", return_tensors="pt").to(self._device)
        # a config of our own: the model's may bring top-k 50 or a temperature that nobody asked for
        config = GenerationConfig(
            max_new_tokens=decoding.max_new_tokens,
            do_sample=decoding.seed is not None,
            eos_token_id=self._ends,
            pad_token_id=self._tokenizer.pad_token_id,
            **({} if decoding.seed is None else _sampling(decoding)),
        )
        if decoding.seed is not None:
            torch.manual_seed(_batch_seed(decoding.seed, batch_number))
        with torch.inference_mode():
            output = self._model.generate(**inputs, generation_config=config)
        return [self._completion(row) for row in output[:, inputs["input_ids"].shape[1] :].tolist()]

    def _completion(self, tokens: list[int]) -> Generated:
        """Cut at the first end of sequence, which may also be the padding token."""
        end = next((i for i, token in enumerate(tokens) if token in self._ends), None)
        kept = tokens if end is None else tokens[: end + 1]
        text = str(self._tokenizer.decode(kept, skip_special_tokens=True))
        return Generated(text=text, tokens=len(kept), truncated=end is None)


class VllmBackend:
    """vLLM with the adapter as a LoRA request; keeps the order and the batches that it is given.

    An unmerged LoRA in vLLM depends slightly on what is batched together, so batches are generated one after the other.
    """

    def __init__(self, base: Base, adapter: Path | None):
        try:
            from vllm import LLM
            from vllm.lora.request import LoRARequest
        except ImportError as error:
            remedy = "install the cuda extra (pip install .[cuda]) or set evaluation.backend to transformers"
            raise InputError("evaluation.backend", f"vllm cannot be imported: {error}", remedy) from error
        shape = read_json(adapter / "adapter_config.json") if adapter is not None else {}
        if shape.get("use_dora"):
            raise InputError(str(adapter), "vLLM does not serve DoRA adapters", "use the transformers backend")
        self._tokenizer = load_tokenizer(base.model, base.revision)
        self._llm = LLM(
            model=base.model,
            revision=base.revision,
            tokenizer_revision=base.revision,
            dtype=base.dtype,
            quantization="bitsandbytes" if base.quantization == "4bit" else None,
            enable_lora=adapter is not None,
            **({"max_lora_rank": _vllm_rank(shape["r"])} if adapter is not None else {}),
        )
        self._lora = LoRARequest(adapter.name, 1, str(adapter.resolve())) if adapter is not None else None

    def generate(self, conversations: Sequence[Conversation], decoding: Decoding, batch_number: int) -> list[Generated]:
        """See `Backend.generate`."""
        from vllm import SamplingParams

        draw: dict[str, Any] = {"temperature": 0.0}
        if decoding.seed is not None:
            draw = {"temperature": decoding.temperature, "top_p": decoding.top_p, "top_k": 0}
        params = []
        for place in range(len(conversations)):
            seed = None if decoding.seed is None else _batch_seed(decoding.seed, batch_number) + place
            params.append(SamplingParams(max_tokens=decoding.max_new_tokens, seed=seed, **draw))
        prompts = [{"prompt_token_ids": tokens} for tokens in prompt_tokens(self._tokenizer, conversations)]
        outputs = self._llm.generate(prompts, params, lora_request=self._lora, use_tqdm=False)
        firsts = [output.outputs[0] for output in outputs]
        return [Generated(first.text, len(first.token_ids), first.finish_reason == "length") for first in firsts]


def prompt_tokens(tokenizer: Any, conversations: Sequence[Conversation]) -> list[list[int]]:
    """The prompts as token ids: the chat template adds every special token, once."""
    texts = tokenizer.apply_chat_template(list(conversations), add_generation_prompt=True, tokenize=False)
    ids: list[list[int]] = tokenizer(texts, add_special_tokens=False)["input_ids"]
    return ids


def _sampling(decoding: Decoding) -> dict[str, float | int]:
    return {"temperature": decoding.temperature, "top_p": decoding.top_p, "top_k": 0}


def _batch_seed(seed: int, batch_number: int) -> int:
    """Own stream per batch; 1,000,003 is a prime far above any batch size, so that streams do not meet."""
    return (seed * 1_000_003 + batch_number * 10_007) % 2**31


def _vllm_rank(r: int) -> int:
    """The smallest rank that vLLM is built for and that holds r."""
    return next(rank for rank in (8, 16, 32, 64, 128, 256, 320, 512) if rank >= r)
