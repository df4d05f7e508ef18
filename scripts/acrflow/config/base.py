"""The base model."""

from typing import Literal

from pydantic import Field

from acrflow.config.section import Positive, Section, Share


class TinyBase(Section):
    """The demo's base model, made on the spot (used when `base.model` is `tiny`)."""

    vocabulary: Positive = Field(800, description="tokens of the byte-pair encoding")
    hidden: Positive = Field(128, description="width of the model")
    layers: Positive = Field(3, description="transformer layers")
    steps: Positive = Field(200, description="pre-training steps on the run's own texts with random labels")
    batch: Positive = Field(32, description="texts per step")
    learning_rate: float = Field(3e-3, gt=0, description="peak of the one-cycle schedule")
    reasoning_words: Positive = Field(8, description="words of reasoning in a text; longer traces are cut")
    tagged: Share = Field(0.6, description="share of the texts that show the think and answer tags")


class Base(Section):
    """The base model that all adapters share."""

    model: str = Field("meta-llama/Llama-3.1-8B-Instruct", description="hub name, local folder, or `tiny`")
    revision: str | None = Field(None, description="commit of the hub repository")
    dtype: Literal["float32", "bfloat16"] = Field("bfloat16", description="type of the weights")
    quantization: Literal["none", "4bit"] = Field(
        "none", description="4bit needs a GPU and bitsandbytes, and for grpo `rollouts: transformers`"
    )
    tiny: TinyBase = Field(default_factory=TinyBase)
