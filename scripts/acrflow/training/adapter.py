"""The adapter that is trained: a new one of the recipe's shape, or one that another training left."""

from pathlib import Path
from typing import TYPE_CHECKING

from acrflow.config.recipe import Recipe
from acrflow.config.training import Lora
from acrflow.io.errors import InputError
from acrflow.io.files import read_json
from acrflow.models.base import load_base
from acrflow.models.tokenizer import load_tokenizer

if TYPE_CHECKING:
    from peft import LoraConfig, PeftModel
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

WEIGHTS = ("adapter_model.safetensors", "adapter_config.json")
SHAPE = {"r": "r", "alpha": "lora_alpha", "dropout": "lora_dropout", "rslora": "use_rslora", "dora": "use_dora"}


def tokenizer_of(recipe: Recipe, base: str) -> "PreTrainedTokenizerBase":
    """The tokenizer of the recipe's base model, which lies in the folder `base` or has that name on the hub."""
    return load_tokenizer(base, recipe.base.revision, recipe.base.template)


def policy(recipe: Recipe, base: str, start: Path | None) -> "tuple[PreTrainedModel | PeftModel, LoraConfig | None]":
    """The model that a trainer takes, and the shape of the adapter that it is to put on top, if any.

    Args:
        start: folder of the adapter to start from (PEFT), which is put on top here; None for a new one.

    Raises:
        InputError: a base that cannot be loaded, a module that it does not have, or an adapter that does not fit.
    """
    from peft import PeftModel

    shape = recipe.training.lora
    if start is not None:
        check_start(start, shape)
    model = load_base(base, recipe.base.revision, recipe.base.dtype, recipe.base.quantization)
    check_modules(model, shape.target_modules)
    if start is None:
        return model, lora(shape)
    try:
        return PeftModel.from_pretrained(model, str(start), is_trainable=True), None
    except (RuntimeError, ValueError) as error:
        remedy = "start from an adapter of the same base model, named in its recipe.json"
        raise InputError(start, f"the adapter does not fit {base}: {error}", remedy) from error


def lora(shape: Lora) -> "LoraConfig":
    """The adapter's shape, as PEFT has it."""
    from peft import LoraConfig

    return LoraConfig(
        **{theirs: getattr(shape, ours) for ours, theirs in SHAPE.items()},
        target_modules=shape.target_modules,
        task_type="CAUSAL_LM",
    )


def check_modules(model: "PreTrainedModel", wanted: list[str]) -> None:
    """Refuse a target module that the base does not have; PEFT itself is content if any of them is there."""
    from torch import nn

    linear = {name.rpartition(".")[2] for name, module in model.named_modules() if isinstance(module, nn.Linear)}
    missing = sorted(set(wanted) - linear)
    if missing:
        remedy = f"choose from {', '.join(sorted(linear - {'lm_head'}))}"
        raise InputError("lora.target_modules", f"the base model has no {', '.join(missing)}", remedy)


def check_start(folder: Path, shape: Lora) -> None:
    """Refuse a folder that holds no adapter in safetensors, or one of another shape.

    Raises:
        InputError: see there.
    """
    from safetensors import SafetensorError, safe_open

    remedy = "init_from wants a folder with adapter_model.safetensors and adapter_config.json, as PEFT writes them"
    missing = [name for name in WEIGHTS if not (folder / name).is_file()]
    if missing:
        raise InputError(folder, f"no adapter to start from: {', '.join(missing)} is missing", remedy)
    try:
        with safe_open(folder / WEIGHTS[0], "pt"):
            pass
    except (SafetensorError, OSError) as error:
        raise InputError(folder / WEIGHTS[0], f"not a safetensors file: {error}", remedy) from None
    theirs = read_json(folder / WEIGHTS[1])
    pairs = {ours: (theirs.get(key), getattr(shape, ours)) for ours, key in SHAPE.items()}
    differs = [f"{name} {had}, not {wanted}" for name, (had, wanted) in pairs.items() if had != wanted]
    if set(theirs.get("target_modules") or []) != set(shape.target_modules):
        differs.append(f"target_modules {theirs.get('target_modules')}")
    if differs:
        what = f"an adapter of another shape: {'; '.join(differs)}"
        raise InputError(folder, what, "set training.lora to that shape")
