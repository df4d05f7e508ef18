"""What all rules share: the checked configuration, the names and files that follow from it, and where programs lie.

makes   settings    the configuration, checked and typed. Snakemake's own `config` is the plain mapping behind it, which
                    Snakemake reads again for the jobs that it starts, and therefore stays what it is.
        layout      the files and names that follow from it (acrflow.workflow.layout); RUN, LOGS, TOPICS and SPLITS are
                    its folders, topics and splits, which nearly every rule names
        SITE        the cluster; None on a single machine
        HOME        the workflow's own folder, whose files are program(...) and shipped(...)
        code_of(...) what decides a program's result: parameters of its rule (acrflow.io.code)
        any_of(...) a wildcard constraint
reads   the whole configuration; stops before any work when it, the documents or the results folder are unusable
"""

import json
import os
import re
import sys
from pathlib import Path

from snakemake.common.configfile import load_configfile
from snakemake.exceptions import WorkflowError
from snakemake.logging import logger
from snakemake.utils import update_config

# The workflow's own folder: not the caller's, when it is used from elsewhere or as a module.
HOME = Path(workflow.current_basedir.get_path_or_uri(secret_free=True)).parent


def shipped(name):
    """A file that comes with the workflow: relative in its own folder, so that results outlive a move of the folder."""
    return name if HOME.samefile(".") else str(HOME / name)


def program(name):
    """The path of a program, as a parameter that Snakemake does not compare, since it could follow from an input: what
    decides is the code (`code_of`), wherever it lies."""
    return lambda wildcards, input: shipped(f"scripts/{name}")


if not (HOME / "scripts" / "acrflow").is_dir():
    raise WorkflowError("acrflow runs its programs from its own folder: clone the repository, and name its Snakefile")
sys.path.insert(0, str(HOME / "scripts"))

import acrflow as library

if not Path(library.__file__).resolve().is_relative_to(HOME.resolve()):  # the Slurm profile imports it first
    raise WorkflowError(
        f"{HOME}: the library in use is another one, {Path(library.__file__).parent}\n  Remedy: run `make install` in "
        "this folder, or name the Snakefile and the profile of that one"
    )

from acrflow.config import configuration
from acrflow.io.code import ASIDE_IN_TRAINING, OF_REWARDS, code_of
from acrflow.io.errors import InputError
from acrflow.io.shipped import own_or_shipped
from acrflow.cluster import site as sites
from acrflow.evaluation.published import published_names
from acrflow.guideline.topics import read_topics, topics_of
from acrflow.workflow.checks import check_inputs
from acrflow.workflow.layout import Layout, evidence_options, prompt_of, shows

# Jobs run `python` of the environment that runs Snakemake, also when that was not activated, with this library.
os.environ.update(
    PATH=os.pathsep.join([str(Path(sys.executable).parent), *os.get_exec_path()]),
    PYTHONPATH=os.pathsep.join(
        dict.fromkeys([str(HOME / "scripts"), *os.environ.get("PYTHONPATH", "").split(os.pathsep)])
    ),
)

# `--configfile`, `--config` and a caller's `config:` are laid over the shipped file, in the same way.
values = load_configfile(HOME / "config" / "config.yaml")
update_config(values, config)

try:
    source = " + ".join(str(file) for file in workflow.configfiles) or "--config"
    settings = configuration.load(values, source)
    SITE = sites.current()
    layout = Layout(settings, topics_of(settings))
    if workflow.is_main_process:
        check_inputs(settings, list(layout.topics.values()), logger.warning)
except InputError as error:
    raise WorkflowError(str(error)) from None

RUN, LOGS, TOPICS, SPLITS = layout.run, layout.logs, layout.topics, layout.splits

if SITE:  # on a cluster; the profile says so
    if SITE.container:

        container: SITE.container

    shell.prefix(SITE.prefix)


# models that are the paper's own systems, by recipe and data: only beside these stand its figures
PUBLISHED = [f"--published={model}={name}" for model, name in published_names(settings).items()]


def any_of(names):
    """A wildcard constraint: exactly these names (or nothing), so that a mistyped target is no new wildcard."""
    return "|".join(re.escape(name) for name in names) or "(?!)"
