"""Adapters: a few lines each."""

from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from acrflow.config.base import OwnBase
from acrflow.config.evidence import EvidenceKind, examples_name
from acrflow.config.registry import find_reward
from acrflow.config.section import Section

Method = Literal["sft", "grpo"]


class Reward(Section):
    """One reward of an adapter; options are passed to the reward function by name."""

    weight: float = 1.0
    options: dict[str, Any] = Field({}, description="passed to the reward function by name")


class Adapter(Section):
    """One adapter: a few lines. A reward may be written as a bare weight."""

    method: Method
    evidence: EvidenceKind = Field("none", description="in the prompt: none, acr, or retrieved (see `retrieval`)")
    rewards: dict[str, Reward] = Field({}, description="of grpo: each with a weight, or weight and options")
    reasoning: bool = Field(False, description="sft: train on reasoning and label instead of the label alone")
    init_from: str | None = Field(None, description="start from this adapter: a name of this file, or a folder")
    seed: int | None = Field(None, description="null uses the run's seed")
    seeds: list[int] = Field([], description="further seeds, each an adapter folder <name>-seed<k> of its own")
    resources: dict[str, Any] = Field({}, description="overrides of resources.train_adapter, for instance {gpus: 8}")
    training: dict[str, Any] = Field({}, description="overrides of the method's hyperparameters")
    base: OwnBase | None = Field(None, description="its own base model; what is left out is the run's")

    @field_validator("rewards", mode="before")
    @classmethod
    def _known_and_bare_weights(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        # before anything else about a reward: what is wrong with a misspelt one's value says little
        for name in value:
            find_reward(str(name))
        return {
            name: {"weight": reward} if isinstance(reward, int | float) else reward for name, reward in value.items()
        }

    @model_validator(mode="after")
    def _rewards_fit_the_method(self) -> "Adapter":
        if self.method == "grpo" and not any(reward.weight for reward in self.rewards.values()):
            raise ValueError("a grpo adapter needs at least one reward with a weight other than 0")
        if self.method == "sft" and self.rewards:
            raise ValueError("an sft adapter has no rewards")
        if len({*self.seeds, self.seed}) <= len(self.seeds):
            raise ValueError("a seed is named twice")
        return self

    @property
    def prompt(self) -> str:
        """Name of the prompt this adapter is trained and used with, a file in `config/prompts/`."""
        if self.method == "sft" and not self.reasoning:
            return "label" if self.evidence == "none" else "label_evidence"
        return "reasoning" if self.evidence == "none" else "reasoning_evidence"

    @property
    def examples(self) -> str:
        """Name of its rendered examples: the prompt, and where the evidence comes from."""
        return examples_name(self.prompt, self.evidence)


def paper_adapters() -> dict[str, Adapter]:
    """The adapters of arXiv 2510.05194, table 2."""
    label = {"answer": Reward(), "format": Reward()}
    gated = Reward(options={"gated": True})
    return {
        "sft": Adapter(method="sft"),
        "baseline": Adapter(method="grpo", rewards=label),
        "citations": Adapter(method="grpo", evidence="acr", rewards=label),
        "llm_eval": Adapter(method="grpo", evidence="acr", rewards={**label, "reasoning_judge": Reward()}),
        "medreason_embed": Adapter(
            method="grpo", evidence="acr", rewards={"format": Reward(), "reasoning_embedding": gated}
        ),
    }
