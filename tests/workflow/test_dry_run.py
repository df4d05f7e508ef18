"""Every shipped configuration and every named target gives a valid plan."""

import re
from pathlib import Path

import pytest
import yaml

from acrflow.config import Config

ROOT = Path(__file__).resolve().parents[2]
PROFILES = sorted(path.parent for path in ROOT.glob("profiles/*/config.yaml"))
CONFIGURATIONS = [path for path in sorted(ROOT.glob("config/*.yaml")) if path.name != "config.yaml"]
ADAPTERS = ["sft", "baseline", "citations", "llm_eval", "medreason_embed"]


def test_there_are_profiles_and_configurations_to_check():
    assert {profile.name for profile in PROFILES} >= {"demo", "local", "slurm"}
    assert "demo.yaml" in {path.name for path in CONFIGURATIONS}


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
def test_every_profile_plans_the_whole_workflow(project, profile):
    jobs = project.planned("--profile", f"profiles/{profile.name}", "all")
    assert {wildcards for rule, wildcards in jobs if rule == "train_adapter"} == {f"adapter={name}" for name in ADAPTERS}
    assert ("write_report", "") in jobs


@pytest.mark.parametrize("configuration", CONFIGURATIONS, ids=lambda path: path.name)
def test_every_configuration_plans_the_whole_workflow(project, configuration):
    assert ("write_report", "") in project.planned("--cores", "1", "--configfile", f"config/{configuration.name}")


def test_the_exact_cluster_command_is_valid(project):
    jobs = project.planned("--profile", "slurm", "all")
    topics = (ROOT / "config/topics.tsv").read_text().splitlines()[1:]
    assert sum(rule == "parse_guideline" for rule, _ in jobs) == len(topics)


def test_training_and_prediction_go_to_the_gpu_partition(project):
    run = project.snakemake("--profile", "slurm", "--dry-run", "all")
    for rule in ("train_adapter", "predict"):
        resources = re.search(rf"^(?:local)?rule {rule}:\n(?:    .*\n)*?    resources: (.*)$", run.stdout, re.MULTILINE)
        assert resources and "slurm_partition=gpu" in resources[1] and "gres=gpu:h100:1" in resources[1], rule


@pytest.mark.parametrize("target", ["dataset", "adapters", "evaluation", "report", "all"])
def test_every_named_target_is_there(project, target):
    assert project.planned("--profile", "profiles/demo", target)


def test_one_adapter_builds_that_adapter_and_what_it_needs(project):
    jobs = project.planned("--profile", "slurm", "medreason_embed")
    assert [wildcards for rule, wildcards in jobs if rule == "train_adapter"] == ["adapter=medreason_embed"]
    assert not {"predict", "measure", "write_report"} & {rule for rule, _ in jobs}


def test_a_mistyped_target_is_an_error(project):
    assert project.snakemake("--profile", "profiles/demo", "-n", "results/demo/adapters/medreason").returncode != 0


def test_the_default_file_and_the_schema_are_those_of_the_model(tmp_path):
    import subprocess
    import sys

    subprocess.run([sys.executable, "scripts/write_config.py", "--out", tmp_path], cwd=ROOT, check=True)
    for name in ("config.yaml", "schema.json"):
        assert (tmp_path / name).read_text() == (ROOT / "config" / name).read_text(), "run `make config`"
    assert Config.model_validate(yaml.safe_load((ROOT / "config/config.yaml").read_text())) == Config()
