"""What SFT and GRPO have in common: base model, adapter shape, arguments."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from acrflow.errors import InputError
from acrflow.training.checkpoints import KEPT
from acrflow.training.recipe import Recipe

if TYPE_CHECKING:
    from peft import LoraConfig
    from transformers import PreTrainedModel


def load_model(base: str, recipe: Recipe) -> "PreTrainedModel":
    """The base model in the recipe's precision, on the device of this process.

    Raises:
        InputError: no such base, or 4-bit weights without a GPU.
    """
    import torch
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    four_bit = recipe["base"]["quantization"] == "4bit"
    if four_bit and not torch.cuda.is_available():
        raise InputError("base.quantization", "4bit needs a GPU, and there is none here", "set it to none")
    dtype = getattr(torch, recipe["base"]["dtype"])
    extra: dict[str, Any] = {}
    if four_bit:
        extra["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=torch.bfloat16,
        )
        extra["device_map"] = {"": torch.cuda.current_device()}
    try:
        model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(
            base, revision=recipe["base"]["revision"], dtype=dtype, use_safetensors=True, **extra
        )
    except (OSError, ValueError) as error:
        raise _no_base(base, error) from error
    return model


def _no_base(base: str, error: Exception) -> InputError:
    what = f"cannot load the base model: {str(error).splitlines()[0]}"
    remedy = "check the name in base.model, the network, and whether the hub wants a licence accepted and a login"
    return InputError(base, what, remedy)


def lora(settings: dict[str, Any]) -> "LoraConfig":
    """The adapter's shape (`acrflow.config.Lora`)."""
    from peft import LoraConfig

    return LoraConfig(
        r=settings["r"],
        lora_alpha=settings["alpha"],
        lora_dropout=settings["dropout"],
        target_modules=settings["target_modules"],
        task_type="CAUSAL_LM",
    )


def arguments(recipe: Recipe, checkpoints: Path) -> dict[str, Any]:
    """The arguments that both trainers share (`acrflow.config.Optimisation`).

    TRL turns bf16 and gradient checkpointing on by default; on a CPU that is ten times slower.
    """
    import torch

    settings = recipe["training"]
    gpu = torch.cuda.is_available()
    return {
        "output_dir": str(checkpoints),
        "max_steps": settings["steps"],
        "learning_rate": settings["learning_rate"],
        "lr_scheduler_type": "constant_with_warmup" if settings["schedule"] == "constant" else settings["schedule"],
        "warmup_steps": settings["warmup_share"],  # below 1, transformers reads it as a share of the steps
        "weight_decay": settings["weight_decay"],
        "adam_beta1": settings["adam_beta1"],
        "adam_beta2": settings["adam_beta2"],
        "optim": settings["optimizer"],
        "max_grad_norm": settings["max_grad_norm"],
        "per_device_train_batch_size": settings["batch"],
        "gradient_accumulation_steps": settings["accumulation"],
        "gradient_checkpointing": settings["gradient_checkpointing"] and gpu,
        "use_cpu": not gpu,
        "bf16": gpu and recipe["base"]["dtype"] == "bfloat16",
        "seed": recipe["seed"],
        "data_seed": recipe["seed"],
        "save_strategy": "steps",
        "save_steps": settings["save_every"],
        "save_total_limit": KEPT,
        "logging_steps": 1,
        "logging_nan_inf_filter": False,
        "disable_tqdm": True,
        "report_to": "none",
    }
