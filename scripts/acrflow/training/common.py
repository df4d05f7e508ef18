"""What SFT and GRPO have in common: arguments, optimizer, and how often each row is drawn."""

from pathlib import Path
from typing import Any

import polars as pl

from acrflow.config.recipe import Recipe
from acrflow.config.training import Optimisation
from acrflow.io.errors import InputError
from acrflow.training.checkpoints import KEPT


def drawn(examples: pl.DataFrame, prompts: str, seed: int) -> pl.DataFrame:
    """The examples that an epoch draws from.

    Args:
        examples: `schemas.dataset.Examples`.
        prompts: "uniform": each row once. "balanced": rows of the rarer labels are repeated, in whole rounds and a
            random rest, until every label has as many as the most frequent one.
    """
    if prompts == "uniform":
        return examples
    most = max(examples["appropriateness"].value_counts()["count"])
    parts = []
    for part in examples.partition_by("appropriateness", maintain_order=True):
        rounds, rest = divmod(most, len(part))
        parts += [part] * rounds + [part.sample(rest, seed=seed)]
    return pl.concat(parts)


def optimizer(settings: Optimisation) -> tuple[dict[str, Any], tuple[type, dict[str, Any]] | None]:
    """An argument for transformers' own optimizers, or none; and class and options of any other, or None.

    Raises:
        InputError: neither transformers nor pytorch-optimizer has it.
    """
    from transformers.training_args import OptimizerNames

    name = settings.optimizer
    if name in {known.value for known in OptimizerNames}:
        return {"optim": name}, None
    from pytorch_optimizer import get_supported_optimizers, load_optimizer

    known = get_supported_optimizers()
    if name not in known:
        remedy = "name one of transformers (adamw_torch, paged_adamw_8bit, ...) or of pytorch-optimizer (exadam, ...)"
        raise InputError("training.optimizer", f"there is no {name}", remedy)
    options = {"betas": (settings.adam_beta1, settings.adam_beta2), "weight_decay": settings.weight_decay}
    return {}, (load_optimizer(name), {"lr": settings.learning_rate, **options})


def arguments(recipe: Recipe, checkpoints: Path) -> dict[str, Any]:
    """The arguments that both trainers share (`acrflow.config.training.Optimisation`).

    TRL turns bf16 and gradient checkpointing on by default; on a CPU that is ten times slower.
    """
    import torch

    settings = recipe.training
    gpu = torch.cuda.is_available()
    return {
        "output_dir": str(checkpoints),
        "max_steps": settings.steps,
        "learning_rate": settings.learning_rate,
        "lr_scheduler_type": "constant_with_warmup" if settings.schedule == "constant" else settings.schedule,
        "warmup_steps": settings.warmup_share,  # below 1, transformers reads it as a share of the steps
        "weight_decay": settings.weight_decay,
        "adam_beta1": settings.adam_beta1,
        "adam_beta2": settings.adam_beta2,
        "max_grad_norm": settings.max_grad_norm,
        "per_device_train_batch_size": settings.batch,
        "gradient_accumulation_steps": settings.accumulation,
        "gradient_checkpointing": settings.gradient_checkpointing and gpu,
        "use_cpu": not gpu,
        "bf16": gpu and recipe.base.dtype == "bfloat16",
        "seed": recipe.seed,
        "data_seed": recipe.seed,
        "save_strategy": "steps",
        "save_steps": settings.save_every,
        "save_total_limit": KEPT,
        "logging_steps": 1,
        "logging_nan_inf_filter": False,
        "disable_tqdm": True,
        "report_to": "none",
    }
