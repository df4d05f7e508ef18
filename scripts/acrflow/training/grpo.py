"""Group-relative policy optimisation: several completions a prompt, each rewarded, compared within the group."""

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from acrflow import rewards
from acrflow.config.recipe import Recipe
from acrflow.config.training import Grpo, Launch
from acrflow.io.errors import InputError
from acrflow.models.embedder import embedder
from acrflow.models.judge import judge
from acrflow.rewards import Reward
from acrflow.tasks import appropriateness
from acrflow.tasks.task import Task
from acrflow.training import common
from acrflow.training import rollouts as servers
from acrflow.training.adapter import policy, tokenizer_of
from acrflow.training.processes import SERVER
from acrflow.training.recipe import Resolved, task_of

if TYPE_CHECKING:
    from acrflow.training.measured import MeasuredGrpo

BALANCED = "balanced"  # class weights that are counted here


def load_rewards(recipe: Recipe, base: str, examples: pl.DataFrame) -> list[Reward]:
    """The adapter's rewards, each with what it asks for.

    Args:
        examples: `Examples`, whose columns hold the gold.

    Raises:
        InputError: an unknown reward or option, a column that the examples lack, a model that cannot be loaded.
    """
    models, described, task = recipe.models, recipe.base, task_of(recipe)
    device = models.device or "auto"
    provided: dict[str, Callable[[], Any]] = {
        "embedder": lambda: embedder(models.embedder or "", device),
        "judge": lambda: judge(models.judge or "", base, device, described.revision, described.template),
        "completion_tokens": lambda: settings_of(recipe).completion_tokens,
        "task": lambda: task,
    }
    loaded = []
    for name, configured in recipe.rewards.items():
        options = dict(configured.options)
        if options.get("class_weights") == BALANCED:
            options["class_weights"] = balanced_weights(examples[task.gold].to_list(), task)
        loaded.append(rewards.load(name, options, provided))
    for reward in loaded:
        missing = sorted(set(reward.columns) - set(examples.columns))
        if missing:
            remedy = f"the examples have the columns {', '.join(examples.columns)}"
            raise InputError(f"rewards.{reward.__name__}", f"it needs the column {', '.join(missing)}", remedy)
    return loaded


def settings_of(recipe: Recipe) -> Grpo:
    """The hyperparameters of a recipe of this method."""
    assert isinstance(recipe.training, Grpo)
    return recipe.training


def balanced_weights(gold: list[str], task: Task = appropriateness.TASK) -> dict[str, float]:
    """Class weights in inverse proportion to the labels' frequencies, rows / (labels x rows of the label)."""
    present = [label for label in task.labels if label in gold]
    return {label: len(gold) / (len(present) * gold.count(label)) for label in present}


def rollouts(kind: str, launch: Launch, longest: int, by_hand: str) -> dict[str, Any]:
    """Where completions are generated, as arguments of TRL.

    Args:
        kind: "transformers", "vllm" (in this process) or "vllm_server".
        launch: where that is on these machines.
        longest: tokens of the longest prompt and completion together. vLLM would else reserve room for the longest
            text that the model can read: 17 GB for the 131,072 tokens of Llama 3.1 8B.
        by_hand: the command that starts a server, for the remedy.

    Raises:
        InputError: vLLM without a GPU or not installed, or a server that does not answer.
    """
    if kind == "transformers":
        return {"use_vllm": False}
    import torch
    from trl.import_utils import is_vllm_available

    if not is_vllm_available() or not (torch.cuda.is_available() or _built_for_cpus()):
        what = "vLLM is not installed" if torch.cuda.is_available() else "vLLM rollouts need a GPU, and there is none"
        raise InputError("training.grpo.rollouts", what, "make install ENV=cuda on a GPU machine, or set transformers")
    if kind == "vllm_server":
        address = os.environ.get(SERVER, launch.vllm_server)  # this job's own, or one that the configuration names
        check_server(address, by_hand)
        return {"use_vllm": True, "vllm_mode": "server", "vllm_server_base_url": address}
    return {
        "use_vllm": True,
        "vllm_mode": "colocate",
        "vllm_gpu_memory_utilization": launch.vllm_memory,
        "vllm_tensor_parallel_size": launch.vllm_tensor_parallel,
        "vllm_max_model_length": longest,
    }


def _built_for_cpus() -> bool:
    """Whether the vLLM that is installed is its build for CPUs."""
    from vllm.platforms import current_platform

    return bool(current_platform.is_cpu())


def check_server(url: str, by_hand: str) -> None:
    """Refuse a rollout server that does not answer; TRL would wait for it for minutes and end in a traceback.

    Args:
        by_hand: the command that starts one.

    Raises:
        InputError: with the command that starts one.
    """
    import httpx

    try:
        httpx.get(f"{url.rstrip('/')}/health", timeout=10).raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        remedy = f"start it on GPUs of its own ({by_hand}) and wait until it listens; or set the "
        remedy += "adapter's resources.server_gpus"
        raise InputError("launch.vllm_server", f"no rollout server at {url}: {error}", remedy) from None


def policy_rollouts(vllm: bool, checkpoints: Path) -> AbstractContextManager[None]:
    """Have vLLM complete from base and adapter apart (`lora_rollouts`); a server reads the adapter here."""
    if not vllm:
        return nullcontext()
    from acrflow.training.lora_rollouts import lora_requests

    return lora_requests(checkpoints / "policy")


def trainer(
    recipe: Resolved,
    base: str,
    start: Path | None,
    examples: pl.DataFrame,
    checkpoints: Path,
    launch: Launch,
    callbacks: list[Any],
) -> "MeasuredGrpo":
    """A trainer of the recipe on `Examples`; the gold columns travel with each prompt to the rewards."""
    from datasets import Dataset
    from trl import GRPOConfig

    from acrflow.training.measured import MeasuredGrpo

    settings, tokenizer = settings_of(recipe), tokenizer_of(recipe, base)
    longest = max(examples["prompt_tokens"]) + settings.completion_tokens
    by_hand = servers.by_hand(base, settings.lora.r, recipe.base.dtype)
    where = rollouts(settings.rollouts, launch, longest, by_hand)
    named, optimizer = common.optimizer(settings)
    functions = load_rewards(recipe, base, examples)
    gold = sorted({column for function in functions for column in function.columns})
    rows = common.drawn(examples, settings.prompts, recipe.seed, task_of(recipe))
    model, shape = policy(recipe, base, start)
    with policy_rollouts(where["use_vllm"], checkpoints):
        made = MeasuredGrpo(
            model=model,
            reward_funcs=list(functions),
            args=GRPOConfig(
                **common.arguments(recipe, checkpoints),
                **where,
                **named,
                # the end of a turn, which is not every model's own end of sequence; transformers is told by TRL
                generation_kwargs={"stop_token_ids": [tokenizer.eos_token_id]} if where["use_vllm"] else None,
                reward_weights=[reward.weight for reward in recipe.rewards.values()],
                num_generations=settings.generations,
                generation_batch_size=settings.generation_batch,
                num_iterations=settings.iterations,
                max_completion_length=settings.completion_tokens,
                temperature=settings.temperature,
                top_p=settings.top_p,
                top_k=settings.top_k,
                beta=settings.beta,
                loss_type=settings.loss,
                epsilon=settings.epsilon,
                epsilon_high=settings.epsilon_high,
                scale_rewards=settings.scale_rewards,
                mask_truncated_completions=settings.mask_truncated,
            ),
            train_dataset=Dataset.from_list(rows.select(pl.col("messages").alias("prompt"), *gold).to_dicts()),
            processing_class=tokenizer,
            peft_config=shape,
            callbacks=callbacks,
        )
    made.optimizer_cls_and_kwargs = optimizer
    return made
