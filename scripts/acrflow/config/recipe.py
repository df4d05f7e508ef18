"""An adapter's recipe: everything that decides its weights, resolved from the configuration, and nothing else."""

from typing import Any

from pydantic import Field, ValidationInfo, field_validator

from acrflow.config.adapters import Method, Reward
from acrflow.config.base import BaseWeights
from acrflow.config.evidence import EvidenceKind
from acrflow.config.section import Positive, Section
from acrflow.config.training import Grpo, Sft


class RewardModels(Section):
    """The models that the adapter's rewards ask for; null where none does."""

    embedder: str | None = None
    judge: str | None = None
    device: str | None = None


class Recipe(Section):
    """What one adapter folder is trained by, from the configuration to the trainer."""

    adapter: str = Field(description="name of the adapter's folder, one per seed")
    method: Method
    evidence: EvidenceKind
    prompt: str
    rewards: dict[str, Reward]
    init_from: str | None
    seed: int
    base: BaseWeights
    prompt_tokens: Positive | None = Field(
        description="longest prompt in tokens of an adapter's own base; null: the examples were counted with its base"
    )
    models: RewardModels
    training: Sft | Grpo

    @field_validator("training", mode="before")
    @classmethod
    def _of_the_method(cls, value: Any, info: ValidationInfo) -> Any:
        """Both kinds have defaults for all their keys: the method says which one plain values are."""
        kind = Sft if info.data.get("method") == "sft" else Grpo
        return value if isinstance(value, kind) else kind.model_validate(value)
