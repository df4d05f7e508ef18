"""What all rules share: the checked configuration, the topics, the names, and which files a program depends on.

makes   C (the configuration), SITE (the cluster; None on a single machine), RUN, LOGS, TOPICS, SPLITS, PROMPTS,
        BASELINES, MODELS
reads   the whole configuration; stops before any work when it, the documents or the results folder are unusable
"""

import json
import os
import re
import sys
import tempfile
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

sys.path.insert(0, str(Path(workflow.basedir) / "scripts"))

from acrflow.config import configuration
from acrflow.io.errors import InputError
from acrflow.config.evidence import ENDINGS, examples_name, prompt_name
from acrflow.workflow.code import imported_modules
from acrflow.cluster import site as sites
from acrflow.evaluation.published import published_names
from acrflow.guideline.topics import read_topics, topics_of

# Jobs run `python` of the environment that runs Snakemake, also when that was not activated, with this library.
os.environ.update(PATH=os.pathsep.join([str(Path(sys.executable).parent), *os.get_exec_path()]))
LIBRARY = str(Path(workflow.basedir) / "scripts")
os.environ["PYTHONPATH"] = os.pathsep.join(
    dict.fromkeys([LIBRARY, *os.environ.get("PYTHONPATH", "").split(os.pathsep)])
)


def check_writable(folder):
    """Fail before any work when results cannot be written (tried with a file, since root passes permission checks)."""
    place = next(parent for parent in [Path(folder).absolute(), *Path(folder).absolute().parents] if parent.exists())
    try:
        tempfile.TemporaryFile(dir=place).close()
    except OSError as error:
        raise InputError(
            f"results: {folder}", f"cannot write there ({error})", "set `results` to a folder you may write"
        )


def check_inputs(config, topics):
    """Fail before any work when the user's documents or the snapshot are not in order."""
    check_writable(config.results)
    if config.source == "table" and not Path(config.documents).is_file():
        raise InputError(
            f"documents: {config.documents}", "the table is missing", "mend `documents` in the configuration"
        )
    if config.source == "folder":
        from acrflow.guideline.check import check_documents

        for topic, error in check_documents(Path(config.documents), [topic.name for topic in topics]).items():
            logger.warning(f"The topic {topic} will fail; the others go on.\n{error}")
    for name, adapter in config.adapters.items():
        if adapter.init_from and adapter.init_from not in config.adapters and not Path(adapter.init_from).is_dir():
            raise InputError(
                f"adapters.{name}.init_from",
                f"no folder {adapter.init_from}",
                "name an adapter of this configuration, or a folder with one in PEFT's format",
            )
    source = config.evidence.source
    if source not in ("entrez", "none", "invented") and not any(Path(source).glob("*.xml")):
        raise InputError(
            f"evidence.source: {source}",
            "no folder with EFetch XML files",
            "set evidence.source to entrez, none, invented or such a folder",
        )


try:
    source = " + ".join(str(file) for file in workflow.configfiles) or "--config"
    C = configuration.load(config, source)
    SITE = sites.current()
    topics = topics_of(C)
    if workflow.is_main_process:
        check_inputs(C, topics)
except InputError as error:
    raise WorkflowError(str(error)) from None

if SITE:  # on a cluster; the profile says so
    if SITE.container:

        container: SITE.container

    shell.prefix(SITE.prefix)


RUN = f"{C.results}/{C.run}"
LOGS = f"logs/{C.run}"
TOPICS = {topic.name: topic for topic in topics}
PARSED = [] if C.source == "table" else list(TOPICS)  # topics read from documents, a file each
HELD_OUT = [topic.name for topic in topics if topic.role == "generalization"]
SPLITS = ["test", "generalization"] if HELD_OUT else ["test"]
EXAMPLES = sorted(
    {"reasoning", *(model.examples for model in [*C.adapters.values(), *C.evaluation.references.values()])}
)
PROMPTS = sorted({prompt_name(examples) for examples in EXAMPLES})
# adapters that read evidence answer again with other kinds of it
READERS = [folder for folder, (adapter, _) in C.trained().items() if C.adapters[adapter].evidence != "none"]
ASKED_AGAIN = sorted(
    {examples_name(C.adapters[C.trained()[one][0]].prompt, kind) for one in READERS for kind in C.other_evidence}
)
# a table of guidelines grades no studies to learn from
GRADED = bool(C.retrieval.grader or PARSED)
RETRIEVES = any(examples.endswith(ENDINGS["retrieved"]) for examples in [*EXAMPLES, *ASKED_AGAIN])
BASELINES = ["majority", "majority_procedure", "nearest_neighbour", "tfidf_logreg", "minilm_logreg"]
MODELS = [*C.trained(), *C.evaluation.references, "base", *BASELINES]
# models that are the paper's own systems, by recipe and data: only beside these stand its figures
PUBLISHED = [f"--published={model}={name}" for model, name in published_names(C).items()]
STEPS = [
    "read_table" if C.source == "table" else "collect_guidelines",
    "list_references",
    "fetch_records",
    "condense_abstracts",
    "extract_traces",
    "build_dataset",
]
STEPS += ["rewrite_abstracts"] if C.evidence.condenser else []
STEPS += ["distill_traces"] if C.dataset.distiller else []
STEPS += [f"render_examples.{prompt}.{split}" for prompt in EXAMPLES for split in ["train", *SPLITS]]
STEPS += ["run_baselines"]
DATA_STEPS = list(STEPS)  # those that the dataset's card tells of
STEPS += [f"train_adapter.{folder}" for folder in C.trained()]
STEPS += ["score_reasoning"]
STEPS += ["search_studies", "fetch_found", "condense_found"] if RETRIEVES else []
STEPS += ["train_grader"] if RETRIEVES and GRADED and not C.retrieval.grader else []
STEPS += ["grade_studies"] if RETRIEVES and GRADED else []
STEPS += ["assign_studies", "judge_retrieval"] if RETRIEVES else []

DOCUMENTS = {"invented": f"{RUN}/invented/documents", "download": f"{RUN}/documents"}.get(C.documents, C.documents)
SNAPSHOT = f"{RUN}/invented/efetch" if C.evidence.source == "invented" else C.evidence.source
BASE = f"{RUN}/models/base" if C.base.model == "tiny" else C.base.model
# a base that is a folder is an input, a name on the hub is not
BASE_FILES = [BASE] if C.base.model == "tiny" or Path(BASE).is_dir() else []
# the tiny base is taught from the training split, whose evidence is measured in tokens: its tokenizer comes first
TOKENIZER = f"{RUN}/models/tokenizer" if C.base.model == "tiny" else BASE
TOKENIZER_FILES = [TOKENIZER] if C.base.model == "tiny" else BASE_FILES


def any_of(names):
    """A wildcard constraint: exactly these names (or nothing), so that a mistyped target is no new wildcard."""
    return "|".join(re.escape(name) for name in names) or "(?!)"


def library(program):
    """The library modules that a program imports: inputs of its rule, so that an edit rebuilds exactly what it touches."""
    return [os.path.relpath(path, workflow.basedir) for path in imported_modules(Path(workflow.basedir, program))]


def adapter_of(folder):
    """The configured adapter of an adapter folder (one per seed)."""
    return C.adapters[C.trained()[folder][0]]


def start_of(wildcards):
    """The folder of the adapter that a training starts from, if it names one."""
    start = adapter_of(wildcards.adapter).init_from
    return [] if start is None else f"{RUN}/adapters/{start}" if start in C.adapters else start


def reward_modules(wildcards):
    """The adapter's own rewards and what they import: editing one rebuilds exactly the adapters that use it."""
    rewards = [f"scripts/acrflow/rewards/{reward}.py" for reward in adapter_of(wildcards.adapter).rewards]
    return sorted({module for reward in rewards for module in [reward, *library(reward)]})


def examples_of(model):
    """The examples a model is used with: those of its prompt and evidence; the base model reasons without any."""
    if model in C.trained():
        return adapter_of(model).examples
    return C.evaluation.references[model].examples if model in C.evaluation.references else "reasoning"


def evidence_options(wildcards, input):
    """What tells render_examples where the evidence of its examples comes from, if not from the guidelines."""
    if wildcards.examples.endswith(ENDINGS["none"]):
        return ["--without-evidence"]
    assigned, condensed = input.evidence or (None, None)
    return [f"--assigned={assigned}", f"--condensed={condensed}"] if assigned else []


def kind_of(model):
    """What the comparison calls a model."""
    for kind, names in {"adapter": C.trained(), "reference": C.evaluation.references, "base": ["base"]}.items():
        if model in names:
            return kind
    return "cheap baseline"


def documents(topic):
    """A topic's documents: those that will be there, or those that the user's folder holds."""
    folder = Path(DOCUMENTS) / topic
    if C.documents == "download":
        return {"folder": folder}
    if C.documents == "invented":
        return {kind: folder / f"{kind}.pdf" for kind in ("narrative", "appendix", "evidence_table")}
    from acrflow.guideline.check import documents_of

    return documents_of(folder)


def sources(wildcards):
    """The files that a dataset is made from: the table, or the documents of all topics."""
    if C.source == "table":
        return [C.documents]
    return [path for topic in PARSED for path in documents(topic).values()]


def generators(wildcards):
    """Who answers in one job of `predict`."""
    return GENERATORS if TOGETHER else [wildcards.generator]


def readers(wildcards):
    """Who answers in one job of `predict_with`: all; each alone where it is merged into the base."""
    return [wildcards.generator] if C.evaluation.merge else READERS


def examples_with(adapter, evidence):
    """The examples that an adapter is asked with evidence of this kind."""
    return examples_name(adapter_of(adapter).prompt, evidence)
