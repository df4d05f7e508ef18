"""The base model: of the run, and of an adapter that has its own."""

from typing import Annotated, Any, Literal

from pydantic import Field

from acrflow.config.section import Positive, Section, Share

TINY = "tiny"  # the demo's base model, made on the spot
TEMPLATE = "options of the chat template, for instance {enable_thinking: false}"
TemplateOptions = dict[Annotated[str, Field(pattern=r"^[A-Za-z_]\w*$")], bool | int | float | str]


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


class BaseWeights(Section):
    """What decides how a base model answers: its weights, their type, and how a conversation is put to it."""

    model: str = Field("meta-llama/Llama-3.1-8B-Instruct", description="hub name, local folder, or `tiny`")
    revision: str | None = Field(None, description="commit of the hub repository")
    dtype: Literal["float32", "bfloat16"] = Field("bfloat16", description="type of the weights")
    quantization: Literal["none", "4bit"] = Field(
        "none", description="4bit needs a GPU and bitsandbytes, and for grpo `rollouts: transformers`"
    )
    template: TemplateOptions = Field({}, description=TEMPLATE)

    def reads_like(self, other: "BaseWeights") -> bool:
        """Whether both are the same model with the same tokenizer and chat template."""
        return (self.model, self.revision, self.template) == (other.model, other.revision, other.template)


class OwnBase(Section):
    """An adapter's own base model; what is left out is the run's."""

    model: str | None = Field(None, description="hub name or local folder")
    revision: str | None = Field(None, description="commit of the hub repository")
    dtype: Literal["float32", "bfloat16"] | None = Field(None, description="type of the weights")
    quantization: Literal["none", "4bit"] | None = Field(None, description="none or 4bit")
    template: TemplateOptions | None = Field(None, description=TEMPLATE)


class Base(BaseWeights):
    """The base model that adapters share, unless they name their own."""

    tiny: TinyBase = Field(default_factory=TinyBase)

    @property
    def weights(self) -> BaseWeights:
        """What a recipe holds of it: all but how the demo's tiny one is made."""
        return BaseWeights(**{name: getattr(self, name) for name in BaseWeights.model_fields})

    def under(self, own: OwnBase) -> "Base":
        """The base of an adapter that names its own; another model takes neither revision nor template from here."""
        repository: dict[str, Any] = {} if own.model in (None, self.model) else {"revision": None, "template": {}}
        return self.model_copy(update=repository | own.model_dump(exclude_none=True))
