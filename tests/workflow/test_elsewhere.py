"""The workflow is used from anywhere: with --directory, and as a module of a user's own Snakefile."""

import re
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from checkout import Project

OWN = """
configfile: "{home}/config/demo.yaml"

rule mine:
    input: "results/demo/guidelines.parquet"
    output: "mine.txt"
    shell: "touch {{output}}"

module acrflow:
    snakefile: "{home}/Snakefile"
    config: config

use rule * from acrflow{names}

onsuccess: acrflow.at_the_end()
"""
TOPICS = "topic\ttitle\trole\nmorvane_syndrome\tMorvane Syndrome\ttrain_test\ntelvic_pain\tTelvic Pain\ttrain_test\n"
WAYS = ("directory", "module", "prefixed")


def snakemake(project: Project, folder: Path, way: str, *arguments: str) -> str:
    """What Snakemake prints in a user's folder, in one of the ways."""
    command = [str(Path(sys.executable).parent / "snakemake"), "--nocolor"]
    cwd = folder
    if way == "directory":
        command += ["--snakefile", str(project.root / "Snakefile"), "--directory", str(folder)]
        command += ["--profile", str(project.root / "profiles/demo")]
        cwd = folder.parent
    else:
        names = " as acrflow_*" if way == "prefixed" else ""
        (folder / "Snakefile").write_text(OWN.format(home=project.root, names=names))
        command += ["--cores", "2"]
    run = subprocess.run(
        [*command, *arguments], cwd=cwd, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=1800
    )
    assert run.returncode == 0, run.stdout[-4000:]
    return run.stdout


def counted(plan: str) -> dict[str, int]:
    """Planned jobs by rule, the prefix taken off."""
    table = plan[plan.rindex("Job stats:") :]
    return {name: int(count) for name, count in re.findall(r"^(?:acrflow_)?(\w+) +(\d+)$", table, re.MULTILINE)}


@pytest.mark.parametrize("way", WAYS)
def test_all_is_planned_as_in_the_workflows_own_folder(project: Project, tmp_path: Path, way: str) -> None:
    (tmp_path / "run").mkdir()
    here = project.snakemake("--profile", "profiles/demo", "--dry-run", "all", "hub")
    targets = [f"acrflow_{name}" if way == "prefixed" else name for name in ("all", "hub")]
    there = snakemake(project, tmp_path / "run", way, "--dry-run", *targets)
    assert counted(there) == counted(here.stdout)


def test_a_callers_own_first_rule_stays_the_default_and_its_config_is_laid_over(
    project: Project, tmp_path: Path
) -> None:
    (tmp_path / "fewer.yaml").write_text("adapters: {citations: null, medreason_embed: null}\n")
    options = ("--configfile", str(project.root / "config/demo.yaml"), "fewer.yaml", "--")
    plan = snakemake(project, tmp_path, "prefixed", "--dry-run")
    assert {"mine", "parse_guideline"} <= counted(plan).keys() and "train_adapter" not in counted(plan)
    assert counted(snakemake(project, tmp_path, "prefixed", "--dry-run", *options, "acrflow_all"))["train_adapter"] == 3


def test_the_rules_of_a_module_request_what_the_table_says(project: Project, tmp_path: Path) -> None:
    probe = "\nfor each in workflow.rules: print('RULE', each.name, 'mem_mb' in each.resources.keys())\n"
    (tmp_path / "Snakefile").write_text(OWN.format(home=project.root, names=" as acrflow_*") + probe)
    command = [str(Path(sys.executable).parent / "snakemake"), "--cores", "1", "--dry-run", "mine"]
    run = subprocess.run(command, cwd=tmp_path, text=True, capture_output=True, timeout=600)
    has = dict(re.findall(r"^RULE (\w+) (\w+)$", run.stdout, re.MULTILINE))
    assert (has["acrflow_assign_studies"], has["acrflow_train_adapter"], has["mine"]) == ("True", "True", "False")


@pytest.mark.slow
@pytest.mark.parametrize("way", ["directory", "prefixed"])
def test_results_logs_and_own_files_are_the_callers(own_project: Project, tmp_path: Path, way: str) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "mine.tsv").write_text(TOPICS)  # the caller's own file stands before a shipped one
    before = {path for path in own_project.root.rglob("*") if "__pycache__" not in path.parts}
    targets = ["results/demo/examples/label.test.parquet", "results/demo/guidelines.parquet"]
    options = ["--config", "topics={invented: mine.tsv}"]
    output = snakemake(own_project, folder, way, *targets, *options)
    examples = pl.read_parquet(folder / targets[0])
    assert examples.height > 5 and (folder / "logs/demo/render_examples/label.log").is_file(), output
    assert set(pl.read_parquet(folder / targets[1])["topic"]) == {"morvane_syndrome", "telvic_pain"}
    assert {path for path in own_project.root.rglob("*") if "__pycache__" not in path.parts} == before
    assert "Nothing to be done" in snakemake(own_project, folder, way, *targets, *options)


def test_the_library_of_another_clone_is_refused(project: Project, tmp_path: Path) -> None:
    """The Slurm profile imports the installed library, here that of the tests, before the Snakefile can."""
    command = [str(Path(sys.executable).parent / "snakemake"), "--snakefile", str(project.root / "Snakefile")]
    command += ["--profile", str(project.root / "profiles/slurm"), "--dry-run", "all"]
    run = subprocess.run(
        command, cwd=tmp_path, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=600
    )
    assert run.returncode != 0 and "the library in use is another one" in run.stdout and "Remedy:" in run.stdout
