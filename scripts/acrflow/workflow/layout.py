"""Which files and names a run has: what follows from the configuration and the topics, before any rule is written."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from acrflow import tasks
from acrflow.config.adapters import Adapter
from acrflow.config.configuration import Config
from acrflow.config.evidence import ENDINGS, EvidenceKind, prompt_name
from acrflow.config.roster import BASE, GENERATING, Roster, roster
from acrflow.guideline.topics import Topic
from acrflow.io.code import PROGRAMS
from acrflow.io.shipped import own_or_shipped


class Layout:
    """The files and names of a run.

    Attributes:
        config, topics: what it follows from; topics by name.
        run, logs: folders of results and of logs.
        roster: every model (`acrflow.config.roster`).
        parsed: topics that are read from documents, a file each; none of a table.
        held_out: topics of the generalization split.
        splits: the splits that models are measured on.
        examples: rendered examples by name, of every adapter and reference.
        readers: adapters that read evidence; they answer again with other kinds of it.
        examples_again: the examples they do so with.
        prompts: the prompts of all examples.
        graded: whether retrieved studies are graded; a table of guidelines grades no studies to learn from.
        retrieves: whether any examples need retrieved studies.
        documents, snapshot: folders of the documents and of the PubMed records, which may be the user's.
        tokenizer: folder or hub name of the tokenizer that evidence and prompts are measured with.
    """

    def __init__(self, config: Config, topics: Sequence[Topic]):
        self.config = config
        self.topics = {topic.name: topic for topic in topics}
        self.run, self.logs = f"{config.results}/{config.run}", f"logs/{config.run}"
        self.roster: Roster = roster(config)
        self._models = {model.name: model for model in self.roster.models}
        self.parsed = [] if config.source == "table" else list(self.topics)
        self.held_out = [topic.name for topic in topics if topic.role == "generalization"]
        self.splits = ["test", "generalization"] if self.held_out else ["test"]
        self.examples = sorted({model.examples for model in self.roster.models if model.examples})
        self.readers = [one.name for one in self.roster.of("adapter") if one.evidence != "none"]
        self.examples_again = sorted(
            {self.examples_of(one, kind) for one in self.readers for kind in config.other_evidence}
        )
        self.prompts = sorted({prompt_name(examples) for examples in self.examples})
        self.graded = bool(config.retrieval.grader or self.parsed)
        self.retrieves = any(name.endswith(ENDINGS["retrieved"]) for name in [*self.examples, *self.examples_again])
        folders = {"invented": f"{self.run}/invented/documents", "download": f"{self.run}/documents"}
        self.documents = folders.get(config.documents, config.documents)
        invented = config.evidence.source == "invented"
        self.snapshot = f"{self.run}/invented/efetch" if invented else config.evidence.source
        # the tiny base learns from the training split, whose evidence is measured in tokens: its tokenizer comes first
        self.tokenizer = f"{self.run}/models/tokenizer" if config.base.model == "tiny" else config.base.model

    @property
    def models(self) -> list[str]:
        """Names of all models that predict."""
        return [model.name for model in self.roster.models if model.kind != "ceiling"]

    @property
    def together(self) -> bool:
        """Whether one job predicts with all: vLLM loads a base once and serves all its adapters; with transformers, or
        merged, each has a job of its own."""
        return self.config.evaluation.backend == "vllm" and not self.config.evaluation.merge

    def generating(self, wildcards: Any) -> list[str]:
        """Whose predictions one job of `predict` makes."""
        return self.generators if self.together else [wildcards.generator]

    def reading(self, wildcards: Any) -> list[str]:
        """Whose predictions one job of `predict_with` makes: all; each alone where it is merged into the base."""
        return [wildcards.generator] if self.config.evaluation.merge else self.readers

    @property
    def generators(self) -> list[str]:
        """Names of the models that answer with the run's own backend."""
        return [model.name for model in self.roster.of(*GENERATING)]

    def base_of(self, model: str = BASE) -> str:
        """The base of a model (by default the run's) as it is loaded: a folder or a hub name."""
        return self._models[model].loaded.model

    def base_files(self, *names: str) -> list[str]:
        """The bases of these models (by default the run's) that are files; a name on the hub is not."""
        made = f"{self.run}/models/base"
        bases = dict.fromkeys(self.base_of(name) for name in names or (BASE,))
        return [base for base in bases if base == made or Path(base).is_dir()]

    @property
    def tokenizer_files(self) -> list[str]:
        """The tokenizer as an input, likewise."""
        return [self.tokenizer] if self.config.base.model == "tiny" or Path(self.tokenizer).is_dir() else []

    @property
    def revision(self) -> list[str]:
        """The option with the commit of the run's base on the hub, which its tokenizer comes from too."""
        return [f"--revision={self.config.base.revision}"] if self.config.base.revision else []

    @property
    def template(self) -> list[str]:
        """The option with the options of that tokenizer's chat template, where there are any."""
        options = self.config.base.template
        return [f"--template={json.dumps(options, sort_keys=True)}"] if options else []

    @property
    def prompt_files(self) -> list[str]:
        """The prompts' files: the run's own where the current folder has them, else those that come with acrflow."""
        return [str(own_or_shipped(f"config/prompts/{prompt}.yaml")) for prompt in self.prompts]

    @property
    def task_file(self) -> str:
        """The module that says what a model does, which programs load by name; one of the user's own by its path."""
        file = tasks.source(self.config.task)
        return str(file.relative_to(PROGRAMS)) if file.is_relative_to(PROGRAMS) else str(file)

    @property
    def data_steps(self) -> list[str]:
        """The ledgers that the dataset's card tells of, in the order of the steps."""
        config = self.config
        steps = ["read_table" if config.source == "table" else "collect_guidelines"]
        steps += ["list_references", "fetch_records", "condense_abstracts", "extract_traces", "build_dataset"]
        steps += ["rewrite_abstracts"] if config.evidence.condenser else []
        steps += ["distill_traces"] if config.dataset.distiller else []
        steps += [f"render_examples.{name}.{split}" for name in self.examples for split in ["train", *self.splits]]
        return [*steps, "run_baselines"]

    @property
    def steps(self) -> list[str]:
        """The ledgers of all steps."""
        steps = [*self.data_steps, *(f"train_adapter.{name}" for name in self.config.trained()), "score_reasoning"]
        if not self.retrieves:
            return steps
        steps += ["search_studies", "fetch_found", "condense_found"]
        steps += ["train_grader"] if self.graded and not self.config.retrieval.grader else []
        steps += ["grade_studies"] if self.graded else []
        return [*steps, "assign_studies", "judge_retrieval"]

    def adapter(self, folder: str) -> Adapter:
        """The configured adapter of an adapter folder (one per seed)."""
        return self.config.adapters[self.config.trained()[folder][0]]

    def start_of(self, folder: str) -> list[str]:
        """The folder of the adapter that a training starts from, if it names one."""
        start = self.adapter(folder).init_from
        return [] if start is None else [f"{self.run}/adapters/{start}" if start in self.config.adapters else start]

    def reward_files(self, folder: str) -> list[str]:
        """The modules of an adapter's rewards, which its training loads by name; an edit of one trains no other."""
        return [f"acrflow/rewards/{reward}.py" for reward in self.adapter(folder).rewards]

    @property
    def document_readers(self) -> list[str]:
        """The modules that read the publisher's documents, which decide nothing that a download brings."""
        return document_readers(self.config.publisher)

    @property
    def publisher_file(self) -> str:
        """The module that reads the publisher's documents, which programs load by name."""
        name = f"acrflow/guideline/publishers/{self.config.publisher}"
        return f"{name}.py" if (PROGRAMS / f"{name}.py").is_file() else f"{name}/__init__.py"

    def entries(self, *names: str) -> list[str]:
        """What the roster says of these models (by default of all), as a rule's parameter.

        A program reads the roster's file; the rule runs again when one of its models has changed there, and not
        whenever the file is written.
        """
        return [self._models[name].model_dump_json() for name in names or self._models]

    def examples_of(self, model: str, evidence: EvidenceKind | None = None) -> str:
        """Name of the examples that a model is prompted with; with other evidence, where it is named."""
        return self._models[model].examples_with(evidence)

    def documents_of(self, topic: str) -> dict[str, Path]:
        """A topic's documents by kind: those that will be there, or those that the user's folder holds."""
        folder = Path(self.documents) / topic
        if self.config.documents == "download":
            return {"folder": folder}
        if self.config.documents == "invented":
            return {kind: folder / f"{kind}.pdf" for kind in ("narrative", "appendix", "evidence_table")}
        from acrflow.guideline.check import documents_of

        return documents_of(folder, self.config.publisher)

    def sources(self) -> list[str | Path]:
        """The files that a dataset is made from: the table, or the documents of all topics."""
        if self.config.source == "table":
            return [self.config.documents]
        return [path for topic in self.parsed for path in self.documents_of(topic).values()]

    def topic_list(self) -> str | None:
        """The topic list that the run reads, if it reads one."""
        name = getattr(self.config.topics, self.config.source, None)
        return None if name is None else str(own_or_shipped(name))


def document_readers(publisher: str) -> list[str]:
    """The modules of a publisher's package beside the one with its addresses, and what they read documents into."""
    files = sorted((PROGRAMS / "acrflow/guideline/publishers" / publisher).glob("[!_]*.py"))
    return ["guideline.witnesses", *(f"guideline.publishers.{publisher}.{path.stem}" for path in files)]


def prompt_of(examples: str) -> str:
    """The prompt file of rendered examples, for instance "config/prompts/label.yaml"."""
    return f"config/prompts/{prompt_name(examples)}.yaml"


def shows(examples: str) -> EvidenceKind | None:
    """The evidence that examples show in place of the guidelines' own ("retrieved", "none"); None: no other."""
    return next((kind for kind in ("retrieved", "none") if examples.endswith(ENDINGS[kind])), None)


def evidence_options(examples: str, evidence: Sequence[str]) -> list[str]:
    """What tells render_examples where the evidence of its examples comes from, if not from the guidelines.

    Args:
        evidence: the tables of assigned and of condensed studies, where the examples show retrieved ones.
    """
    if not evidence:
        return ["--without-evidence"] if shows(examples) == "none" else []
    assigned, condensed = evidence
    return [f"--assigned={assigned}", f"--condensed={condensed}"]
