"""The base model in memory: the one place that loads it, for training and evaluation alike."""

from typing import TYPE_CHECKING, Any

from acrflow.io.errors import InputError

if TYPE_CHECKING:
    from transformers import PreTrainedModel

VLLM_RANKS = (8, 16, 32, 64, 128, 256, 320, 512)  # that vLLM has kernels for
REMEDY = (
    "give a hub name, or a folder with config.json, model.safetensors and the tokenizer's files; check the network, "
    "and whether the hub wants a licence accepted and a login"
)


def load_base(name: str, revision: str | None, dtype: str, quantization: str) -> "PreTrainedModel":
    """The base model; 4-bit weights lie on this process's GPU, others on the CPU.

    Args:
        name: hub name or local folder; safetensors only, and no code from the hub is ever run.
        revision: commit of the hub repository.
        dtype: "float32" or "bfloat16".
        quantization: "none" or "4bit" (NF4 with double quantization, arXiv 2305.14314).

    Raises:
        InputError: no such base, or 4-bit weights without a GPU.
    """
    import torch
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig
    from transformers.utils import logging

    options: dict[str, Any] = {}
    if quantization == "4bit":
        if not torch.cuda.is_available():
            raise InputError("base.quantization", "4bit needs a GPU, and there is none here", "set it to none")
        options["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=getattr(torch, dtype),
        )
        options["device_map"] = {"": torch.cuda.current_device()}
    logging.disable_progress_bar()  # of the weights; trainings and predictions have their own
    try:
        model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(
            name,
            revision=revision,
            dtype=getattr(torch, dtype),
            use_safetensors=True,
            trust_remote_code=False,  # unless told so, transformers would ask on the terminal
            **options,
        )
    except (OSError, ValueError) as error:
        what = f"the base model cannot be loaded: {(str(error).splitlines() or [type(error).__name__])[0]}"
        raise InputError(name, what, REMEDY) from error
    return model


def rank_for(rank: int) -> int:
    """The LoRA rank that vLLM must have room for: the next of those that it has kernels for."""
    return next(one for one in VLLM_RANKS if one >= rank)
