"""The roster: every model of a run with what decides its predictions, written once (`roster.json`) and read by all."""

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from acrflow.config.base import Base
from acrflow.config.configuration import Config
from acrflow.config.evaluation import BASELINES
from acrflow.config.evidence import EvidenceKind, examples_name
from acrflow.config.section import Section, problems
from acrflow.io.errors import InputError

Kind = Literal["adapter", "reference", "base", "baseline", "ceiling"]
GENERATING: tuple[Kind, ...] = ("adapter", "base")  # kinds that answer with the run's own backend, greedily and sampled
BASE = "base"  # name of the base model alone
PANEL = "panel"  # one panelist drawn at random: the ceiling


class LoadedBase(Section):
    """A base model as it is loaded."""

    model: str = Field(description="hub name or folder; of a reference, the model's name on its server")
    revision: str | None = None
    dtype: Literal["float32", "bfloat16"] = "bfloat16"
    quantization: Literal["none", "4bit"] = "none"
    template: dict[str, Any] = Field({}, description="options of its chat template")


class Model(Section):
    """One model of a run; what does not apply to its kind is null."""

    name: str
    kind: Kind
    base: LoadedBase | None = None
    prompt: str | None = Field(None, description="name of its prompt")
    evidence: EvidenceKind | None = Field(None, description="in its prompt")
    examples: str | None = Field(None, description="name of its rendered examples")
    adapter: str | None = Field(
        None, description="the configured adapter; further seeds of one have names of their own"
    )
    seed: int | None = Field(None, description="of its training")
    completion_tokens: int | None = Field(None, description="longest completion, in tokens")

    def examples_with(self, evidence: EvidenceKind | None) -> str:
        """Name of its examples with other evidence; None: its own.

        Raises:
            InputError: a model that is given no prompt.
        """
        if self.prompt is None or self.examples is None:
            raise InputError(f"roster: {self.name}", f"a {self.kind} has no prompt", "name a model that has one")
        return self.examples if evidence is None else examples_name(self.prompt, evidence)

    @property
    def loaded(self) -> LoadedBase:
        """Its base.

        Raises:
            InputError: a model that generates nothing.
        """
        if self.base is None:
            raise InputError(f"roster: {self.name}", f"a {self.kind} generates nothing", "name a model that does")
        return self.base

    @property
    def longest(self) -> int:
        """Its longest completion, in tokens.

        Raises:
            InputError: a model that generates nothing.
        """
        if self.completion_tokens is None:
            raise InputError(f"roster: {self.name}", f"a {self.kind} generates nothing", "name a model that does")
        return self.completion_tokens

    @property
    def reasons(self) -> bool:
        """Whether it is prompted for reasoning; the reasoning of the others is not missing, it does not apply."""
        return (self.prompt or "").startswith("reasoning")


class Roster(Section):
    """The models of a run, in the order of every table."""

    run: str
    models: list[Model]

    def of(self, *kinds: Kind) -> list[Model]:
        """The models of these kinds."""
        return [model for model in self.models if model.kind in kinds]

    def model(self, name: str) -> Model:
        """The model of a name.

        Raises:
            InputError: there is none.
        """
        for model in self.models:
            if model.name == name:
                return model
        known = ", ".join(model.name for model in self.models)
        raise InputError("roster", f"no model {name}", f"the models are {known}")


def roster(config: Config) -> Roster:
    """The roster of a configuration."""
    tokens = config.training.grpo.completion_tokens
    models = []
    for folder, (adapter, seed) in config.trained().items():
        recipe = config.adapters[adapter]
        own = getattr(config.hyperparameters(adapter), "completion_tokens", tokens)  # sft has none of its own
        base = loaded(config, config.base_of(folder))
        one = Model(name=folder, kind="adapter", base=base, adapter=adapter, seed=seed, completion_tokens=own)
        models.append(prompted(one, recipe.prompt, recipe.evidence))
    for name, reference in config.evaluation.references.items():
        one = Model(name=name, kind="reference", base=LoadedBase(model=reference.model), completion_tokens=tokens)
        models.append(prompted(one, reference.prompt, reference.evidence))
    alone = Model(name=BASE, kind="base", base=loaded(config, config.base), completion_tokens=tokens)
    models.append(prompted(alone, "reasoning", "none"))
    models += [Model(name=name, kind="baseline") for name in BASELINES]
    return Roster(run=config.run, models=[*models, Model(name=PANEL, kind="ceiling")])


def prompted(model: Model, prompt: str, evidence: EvidenceKind) -> Model:
    """The model with its prompt, and with the examples that follow from prompt and evidence."""
    examples = examples_name(prompt, evidence)
    return model.model_copy(update={"prompt": prompt, "evidence": evidence, "examples": examples})


def loaded(config: Config, base: Base) -> LoadedBase:
    """A configured base as it is loaded: the tiny one is a folder of the run."""
    model = f"{config.results}/{config.run}/models/base" if base.model == "tiny" else base.model
    return LoadedBase(model=model, **base.model_dump(include={"revision", "dtype", "quantization", "template"}))


def read_roster(path: Path) -> Roster:
    """Read `roster.json`.

    Raises:
        InputError: it is missing, or no roster.
    """
    remedy = "build it with snakemake (rule write_roster)"
    try:
        return Roster.model_validate_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(path, f"no roster ({error.strerror})", remedy) from None
    except ValidationError as error:
        raise InputError(path, f"no roster: {problems(error)}", remedy) from None
