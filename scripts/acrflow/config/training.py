"""The hyperparameters of SFT and GRPO, typed: the part of the configuration that decides how adapters are trained.

This module imports neither torch nor polars.
"""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from acrflow.config.section import Positive, Section, Share


class Lora(Section):
    """The adapter's shape."""

    r: Positive = 32
    alpha: Positive = 32
    dropout: float = Field(0.0, ge=0, lt=1)
    rslora: bool = Field(False, description="scale by alpha / sqrt(r) instead of alpha / r (arXiv 2312.03732)")
    dora: bool = Field(False, description="learn magnitude and direction apart (arXiv 2402.09353)")
    target_modules: list[str] = Field(["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"])


class Optimisation(Section):
    """What SFT and GRPO have in common."""

    learning_rate: float = Field(5e-6, gt=0)
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    warmup_share: float = Field(0.1, ge=0, lt=1, description="share of the steps used to warm up")
    weight_decay: float = Field(0.1, ge=0)
    adam_beta1: float = Field(0.9, gt=0, lt=1)
    adam_beta2: float = Field(0.99, gt=0, lt=1)
    optimizer: str = Field(
        "paged_adamw_8bit", description="a name of transformers (adamw_torch on a CPU) or pytorch-optimizer (exadam)"
    )
    max_grad_norm: float = Field(0.1, gt=0)
    steps: Positive = 200
    batch: Positive = Field(6, description="examples (SFT) or completions (GRPO) per device and forward pass")
    accumulation: Positive = Field(2, description="forward passes per optimizer step")
    save_every: Positive = Field(50, description="steps between checkpoints")
    gradient_checkpointing: bool = True
    prompts: Literal["uniform", "balanced"] = Field(
        "uniform", description="balanced: rows of rarer labels are repeated until all labels are drawn alike"
    )
    lora: Lora = Field(default_factory=Lora)


class Sft(Optimisation):
    """Supervised fine-tuning: on the gold label alone, as in the paper, or with reasoning."""

    steps: Positive = 300
    batch: Positive = 2
    accumulation: Positive = 4


class Grpo(Optimisation):
    """Group-relative policy optimisation."""

    generations: Annotated[int, Field(ge=2)] = Field(6, description="completions per prompt (the group)")
    completion_tokens: Positive = Field(1000, description="longest completion, in tokens")
    temperature: float = Field(1.0, gt=0)
    top_p: float = Field(1.0, gt=0, le=1)
    top_k: int = Field(0, ge=0, description="sample from the k likeliest tokens; 0 from all")
    beta: float = Field(0.0, ge=0, description="weight of the KL term; 0 leaves it out")
    loss: Literal["grpo", "dr_grpo", "dapo", "bnpo", "cispo", "sapo", "luspo", "vespo"] = "grpo"
    epsilon: float = Field(0.2, gt=0)
    epsilon_high: float | None = Field(None, description="upper clip; null uses epsilon")
    scale_rewards: Literal["group", "batch", "none"] = "group"
    mask_truncated: bool = Field(False, description="leave completions cut at the length limit out of the loss")
    iterations: Positive = Field(1, description="optimizer passes over each generated batch")
    generation_batch: Positive | None = Field(
        None, description="completions generated at once; null: batch x accumulation"
    )
    rollouts: Literal["vllm", "vllm_server", "transformers"] = Field(
        "vllm", description="vllm in the training process, a vllm server for several GPUs, or transformers"
    )
    collapse_steps: Annotated[int, Field(ge=0)] = Field(
        20, description="steps in a row without spread, with repetition or at the length limit; 0: no guard"
    )
    on_collapse: Literal["warn", "stop"] = "warn"

    @model_validator(mode="after")
    def _groups_fill_the_batch(self) -> "Grpo":
        generated = self.generation_batch or self.batch * self.accumulation
        if self.batch * self.accumulation % self.generations or generated % self.generations:
            raise ValueError(
                f"batch x accumulation or generation_batch is not a multiple of generations ({self.generations})"
            )
        if generated % self.batch:
            raise ValueError(f"generation_batch is not a multiple of batch ({self.batch})")
        if self.save_every * self.accumulation * self.batch % (generated * self.iterations):
            raise ValueError("save_every must fall on steps that generate anew, else no checkpoint can go on exactly")
        return self


class Training(Section):
    """Hyperparameters that all adapters of a method share."""

    sft: Sft = Field(default_factory=Sft)
    grpo: Grpo = Field(default_factory=Grpo)


class Launch(Section):
    """How completions are rolled out on this site's machines; nothing here decides a weight."""

    vllm_memory: Share = Field(0.3, description="share of GPU memory for rollouts with vllm in the training process")
    vllm_tensor_parallel: Positive = Field(1, description="GPUs that share one vllm model")
    vllm_server: str = Field(
        "http://localhost:8000", description="address of a running `vllm serve` (rollouts: vllm_server)"
    )
