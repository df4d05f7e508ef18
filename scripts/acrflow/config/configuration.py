"""The configuration, typed. `config/config.yaml` and `config/schema.json` are generated from here.

This module imports neither torch nor polars, so that a dry run and `--help` stay instant.
"""

from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from acrflow import tasks
from acrflow.config import registry
from acrflow.config.adapters import Adapter, paper_adapters
from acrflow.config.base import TINY, Base
from acrflow.config.dataset import Dataset
from acrflow.config.documents import TABLE_ENDINGS, Download, Table, Topics, known_publishers
from acrflow.config.evaluation import BASELINES, Evaluation
from acrflow.config.evidence import Evidence, EvidenceKind
from acrflow.config.models import Models
from acrflow.config.recipe import Recipe, RewardModels
from acrflow.config.resources import Needs, Resources
from acrflow.config.retrieval import Retrieval
from acrflow.config.section import NAME, Section, problems
from acrflow.config.training import Grpo, Launch, Sft, Training
from acrflow.io.errors import InputError

# Names that no adapter and no reference may have: targets, other models, and rules, since each adapter is a target.
RESERVED = frozenset(
    {"all", "dataset", "adapters", "evaluation", "report", "retrieval", "hub", "base", "panel", "write_roster"}
    | set(BASELINES)
    | set(Resources.model_fields)
)


class Config(Section):
    """One run of the workflow."""

    run: str = Field("paper", pattern=r"^[A-Za-z0-9_-]+$", description="name of the run, a folder under `results`")
    results: str = Field("results", description="folder of all runs")
    seed: int = Field(3407, description="seed of everything random that has no seed of its own")
    documents: str = Field(
        "download",
        description="invented, download, folder with one folder per topic, or table (.csv, .csv.gz, .parquet, .xlsx)",
    )
    publisher: str = Field("acr", description="whose documents: a module of acrflow/guideline/publishers")
    task: str = Field(
        tasks.DEFAULT, description="what is asked of a model: a module of acrflow/tasks, or package.module:NAME"
    )
    topics: Topics = Field(default_factory=Topics)
    table: Table = Field(default_factory=Table)
    generalization: list[str] | None = Field(
        None, description="topics held out whole; null takes the roles of the topic list, and none of a folder"
    )
    download: Download = Field(default_factory=Download)
    evidence: Evidence = Field(default_factory=Evidence)
    retrieval: Retrieval = Field(default_factory=Retrieval)
    dataset: Dataset = Field(default_factory=Dataset)
    base: Base = Field(default_factory=Base)
    models: Models = Field(default_factory=Models)
    training: Training = Field(default_factory=Training)
    launch: Launch = Field(default_factory=Launch)
    resources: Resources = Field(
        default_factory=Resources, description="what one job of a rule asks for, per node; a retry asks for more"
    )
    adapters: dict[Annotated[str, Field(pattern=NAME)], Adapter] = Field(default_factory=lambda: paper_adapters())
    evaluation: Evaluation = Field(default_factory=Evaluation)

    @field_validator("publisher")
    @classmethod
    def _known_publisher(cls, name: str) -> str:
        if name not in known_publishers():
            raise ValueError(f"unknown publisher {name}; known are {', '.join(known_publishers())}")
        return name

    @field_validator("task")
    @classmethod
    def _known_task(cls, value: str) -> str:
        try:
            tasks.load(value)
        except InputError as error:
            raise ValueError(f"{error.what}; {error.remedy}") from None
        return value

    @field_validator("adapters", mode="before")
    @classmethod
    def _without_null(cls, value: Any) -> Any:
        """Snakemake lays one configuration file over the other; null takes an adapter of the lower one out."""
        return {name: one for name, one in value.items() if one is not None} if isinstance(value, dict) else value

    @property
    def source(self) -> Literal["invented", "download", "folder", "table"]:
        """What `documents` names."""
        if self.documents in ("invented", "download"):
            return "invented" if self.documents == "invented" else "download"
        return "table" if self.documents.lower().endswith(TABLE_ENDINGS) else "folder"

    @model_validator(mode="after")
    def _invented_documents_are_laid_out_as_the_acrs(self) -> "Config":
        if self.source == "invented" and self.publisher != "acr":
            raise ValueError("publisher: invented documents are laid out as the ACR's; set it to acr")
        return self

    @model_validator(mode="after")
    def _adapters_resolve(self) -> "Config":
        if not self.adapters:
            raise ValueError("adapters: at least one adapter is needed")
        for name in [*self.adapters, *self.evaluation.references]:
            if name in RESERVED or (name in self.adapters and name in self.evaluation.references):
                raise ValueError(f"adapters.{name}: the name is reserved, or that of a reference")
        evidence = {f"adapters.{name}": one.evidence for name, one in self.adapters.items()}
        evidence |= {f"evaluation.references.{name}": one.evidence for name, one in self.evaluation.references.items()}
        for name, kind in evidence.items():
            if kind == "retrieved" and self.evidence.source == "none":
                raise ValueError(f"{name}: nothing is retrieved without `evidence.source`; set it, or another evidence")
        for name in self.adapters:
            for key, check in {"training": self.hyperparameters, "resources": self.training_needs}.items():
                try:
                    check(name)
                except ValidationError as error:
                    raise ValueError(f"adapters.{name}.{key}: {problems(error)}") from None
        for name in self.adapters:
            rollouts = getattr(self.hyperparameters(name), "rollouts", None)
            serving = self.training_needs(name).server_gpus
            if serving and rollouts != "vllm_server":
                raise ValueError(f"adapters.{name}: server_gpus are for `rollouts: vllm_server`, and it has {rollouts}")
            if serving % self.launch.vllm_tensor_parallel:
                raise ValueError(f"adapters.{name}: server_gpus is not a multiple of launch.vllm_tensor_parallel")
            # vLLM quantizes a base in its own way, so that its rollouts would be another policy's than the trained one
            if self.base_of(name).quantization == "4bit" and rollouts not in (None, "transformers"):
                remedy = "set base.quantization to none, or training.grpo.rollouts to transformers"
                raise ValueError(f"adapters.{name}: vLLM cannot roll out a 4-bit base while it is trained; {remedy}")
            if self.hyperparameters(name).lora.dora and rollouts not in (None, "transformers"):
                remedy = "set training.grpo.rollouts to transformers, or lora.dora to false"
                raise ValueError(f"adapters.{name}: vLLM answers with LoRA adapters only, not with DoRA; {remedy}")
            if self.base_of(name).model == TINY != self.base.model:
                raise ValueError(f"adapters.{name}.base.model: tiny is made only for a run whose own base.model it is")
            self._check_rewards(name)
            self._check_start(name)
        return self

    def _check_rewards(self, name: str) -> None:
        """Raise ValueError unless each reward has the options that it is given, and can use their values."""
        provided = {
            "completion_tokens": getattr(self.hyperparameters(name), "completion_tokens", None),
            "task": tasks.load(self.task),
        }
        for reward, given in self.adapters[name].rewards.items():
            try:
                registry.check_options(reward, given.options, provided)
            except ValueError as error:
                raise ValueError(f"adapters.{name}.rewards.{reward}.options: {error}") from None

    def _check_start(self, name: str) -> None:
        """Raise ValueError unless `init_from` leads to a first adapter or a folder, all of one shape."""
        seen = [name]
        while (start := self.adapters[seen[-1]].init_from) is not None and "/" not in start:
            where = f"adapters.{seen[-1]}.init_from: {start}"
            if start not in self.adapters:
                raise ValueError(f"{where} is neither an adapter of this configuration nor a folder (with a /)")
            if start in seen:
                raise ValueError(f"{where} leads back to itself")
            if self.hyperparameters(start).lora != self.hyperparameters(name).lora:
                raise ValueError(f"{where} has another lora shape; give both the same training.lora")
            if not self.base_of(name).reads_like(self.base_of(start)):
                raise ValueError(f"{where} has another base model; give both the same model, revision and template")
            seen.append(start)

    @property
    def other_evidence(self) -> list[EvidenceKind]:
        """The kinds of evidence that adapters which read some answer with again; without a source none is retrieved."""
        kinds = dict.fromkeys(self.evaluation.other_evidence)
        return [kind for kind in kinds if kind != "retrieved" or self.evidence.source != "none"]

    def trained(self) -> dict[str, tuple[str, int]]:
        """Every adapter folder with its adapter and seed; the folder of an adapter's own seed has its name."""
        folders = {}
        for name, adapter in self.adapters.items():
            folders[name] = (name, self.seed if adapter.seed is None else adapter.seed)
            folders |= {f"{name}-seed{seed}": (name, seed) for seed in adapter.seeds}
        return folders

    def training_needs(self, adapter: str) -> Needs:
        """What the adapter's training asks of a machine."""
        return self.resources.of("train_adapter", self.adapters[adapter].resources)

    def hyperparameters(self, adapter: str) -> Sft | Grpo:
        """The method's hyperparameters with the adapter's overrides."""
        own = self.adapters[adapter]
        shared: Sft | Grpo = self.training.sft if own.method == "sft" else self.training.grpo
        merged = shared.model_dump()
        for key, value in own.training.items():
            merged[key] = {**merged[key], **value} if isinstance(merged.get(key), dict) else value
        return type(shared).model_validate(merged)

    def base_of(self, folder: str) -> Base:
        """The base model of an adapter folder, one of `trained()`; of any other model, the run's."""
        trained = self.trained()
        own = self.adapters[trained[folder][0]].base if folder in trained else None
        return self.base if own is None else self.base.under(own)

    def recipe(self, folder: str) -> Recipe:
        """An adapter folder's whole recipe: everything that decides its weights, and nothing else.

        Args:
            folder: one of `trained()`.
        """
        name, seed = self.trained()[folder]
        adapter, base = self.adapters[name], self.base_of(folder)
        needs = {need for reward in adapter.rewards for need in registry.find_reward(reward)[1].needs}
        models = {need: getattr(self.models, need) for need in registry.MODELS if need in needs}
        return Recipe(
            adapter=folder,
            task=self.task,
            method=adapter.method,
            evidence=adapter.evidence,
            prompt=adapter.prompt,
            rewards=adapter.rewards,
            init_from=adapter.init_from,
            seed=seed,
            base=base.weights,
            prompt_tokens=None if base.reads_like(self.base) else self.dataset.prompt_tokens,
            models=RewardModels(**models, device=self.models.device) if models else RewardModels(),
            training=self.hyperparameters(name),
        )


def load(values: dict[str, Any], source: str) -> Config:
    """Check configuration values.

    Args:
        values: the merged configuration, as Snakemake holds it.
        source: what to name in an error, for instance "config/demo.yaml".

    Raises:
        InputError: with every problem, each with its key.
    """
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        remedy = "mend the keys named above; config/schema.json lists every key with its meaning and default"
        raise InputError(source, problems(error), remedy) from None
