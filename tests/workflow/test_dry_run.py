"""Every shipped configuration and every named target gives a valid plan."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from acrflow.config.configuration import TABLE_ENDINGS, Config

ROOT = Path(__file__).resolve().parents[2]
PROFILES = sorted(path.parent for path in ROOT.glob("profiles/*/config.yaml"))
CONFIGURATIONS = [path.relative_to(ROOT) for path in sorted(ROOT.glob("config/*.yaml"))]
ADAPTERS = ["sft", "baseline", "citations", "llm_eval", "medreason_embed"]


def test_there_are_profiles_and_configurations_to_check():
    assert {profile.name for profile in PROFILES} >= {"demo", "local", "slurm"}
    assert {path.name for path in CONFIGURATIONS} >= {"config.yaml", "demo.yaml", "gazal_r1.yaml"}


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
def test_every_profile_plans_the_whole_workflow(project, profile):
    planned = project.planned("--profile", f"profiles/{profile.name}", "all")
    assert {f"Training adapter {name}" for name in ADAPTERS} <= set(planned)
    assert "Writing the report" in planned


@pytest.mark.parametrize("configuration", CONFIGURATIONS, ids=lambda path: path.name)
def test_every_configuration_plans_the_whole_workflow(project, configuration, tmp_path):
    table = yaml.safe_load(configuration.read_text()).get("documents", "").endswith(TABLE_ENDINGS)
    (tmp_path / "rows.csv").touch()  # a table is the user's own
    own = ["--config", f"documents={tmp_path / 'rows.csv'}"] if table else []
    planned = project.planned("--cores", "1", "--configfile", str(configuration), *own)
    assert "Writing the report" in planned
    assert ("Reading the rated rows of" in " ".join(planned)) == table


def test_a_configuration_trains_its_own_adapters_alone_one_after_the_other(project):
    assert project.trains("--cores", "1", "--configfile", "config/gazal_r1.yaml") == {"gazal_sft", "gazal_r1"}


def test_a_dry_run_loads_neither_torch_nor_polars():
    command = [sys.executable, "-X", "importtime", "-m", "snakemake", "--profile", "profiles/demo", "-n", "all"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout
    loaded = {line.rpartition("|")[2].strip() for line in run.stderr.splitlines() if line.startswith("import time:")}
    assert "acrflow.rewards._by_label" in loaded  # what a reward imports is listed, itself not: it comes by name
    assert not {"torch", "polars", "transformers"} & loaded


def test_an_adapters_own_base_is_what_it_is_trained_on(project):
    own = "adapters={mine: {method: sft, base: {model: some/qwen}}}"
    run = project.snakemake("--profile", "profiles/demo", "-n", "-p", "results/demo/adapters/mine", "--config", own)
    assert run.returncode == 0, run.stdout
    assert "--base some/qwen" in run.stdout and "--base results/demo/models/base" not in run.stdout


def test_the_exact_cluster_command_is_valid(project):
    planned = project.planned("--profile", "slurm", "all")
    topics = (ROOT / "config/topics.tsv").read_text().splitlines()[1:]
    assert sum(message.startswith("Reading the guideline on") for message in planned) == len(topics)


@pytest.mark.parametrize("target", ["dataset", "adapters", "evaluation", "report", "all"])
def test_every_named_target_is_there(project, target):
    assert project.planned("--profile", "profiles/demo", target)


def test_one_adapter_builds_that_adapter_and_what_it_needs(project):
    planned = project.planned("--profile", "slurm", "medreason_embed")
    assert [message for message in planned if message.startswith("Training")] == ["Training adapter medreason_embed"]
    assert "Writing the card of adapter medreason_embed" in planned
    assert not [message for message in planned if message.startswith(("Predicting", "Measuring", "Writing the report"))]


def test_a_mistyped_target_is_an_error(project):
    assert project.snakemake("--profile", "profiles/demo", "-n", "results/demo/adapters/medreason").returncode != 0


def test_the_default_file_is_that_of_the_model():
    assert Config.model_validate(yaml.safe_load((ROOT / "config/config.yaml").read_text())) == Config()
