"""The command `acrflow`: help at once, errors in one message, the repository's files from any folder."""

import os
import stat
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest
import yaml

from acrflow.config.configuration import Config
from acrflow.config.files import load_files
from acrflow.config.generated import as_yaml
from acrflow.io.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = ["summary", "compare", "recommend", "doctor", "submit", "watch", "plan", "config"]
LARGE = {"torch", "transformers", "polars", "pandas", "numpy", "snakemake", "sklearn"}


def acrflow(*arguments: str, folder: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command as a user calls it, from a folder."""
    environment = {**os.environ, "COLUMNS": "100", **environment}
    command = [sys.executable, "-m", "acrflow.cli", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment)


@pytest.mark.parametrize("arguments", [["--help"], *([name, "--help"] for name in COMMANDS)], ids=" ".join)
def test_help_is_instant_and_loads_nothing_large(arguments):
    """Measured 0.15 to 0.28 s on a quiet machine; the limit leaves a busy one ten times that."""
    code = (
        "import sys\nfrom acrflow.cli.main import app\n"
        f"try:\n    app({arguments!r}, prog_name='acrflow')\n"
        "finally:\n    print(*{name.split('.')[0] for name in sys.modules}, file=sys.stderr)\n"
    )
    started = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert time.perf_counter() - started < 3
    assert "Usage: acrflow" in done.stdout
    assert set(done.stderr.split()) & LARGE == set()


def test_every_command_is_listed_and_shows_an_example():
    listing = acrflow("--help").stdout
    for name in COMMANDS:
        assert f" {name} " in listing
        assert f" acrflow {name}" in acrflow(name, "--help").stdout.partition("Example")[2]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["summary", "nowhere"], "snakemake evaluation"),
        (["compare", "a.parquet", "b.parquet"], "the split's rows are missing"),
        (["watch", "--results", "nowhere"], "no such folder"),
        (["config", "show", "--configfile", "nowhere.yaml"], "nowhere.yaml: cannot be read"),
        (["plan", "--out", "nowhere.md"], "no such page"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_what_the_user_can_mend_is_one_message_with_status_2(tmp_path, arguments, message):
    refused(acrflow(*arguments, folder=tmp_path), message)


def test_submitting_where_there_is_no_slurm_is_refused(tmp_path):
    refused(acrflow("submit", folder=tmp_path, PATH=""), "acrflow doctor says")


def refused(done, message):
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("ERROR ") and message in done.stderr and "Remedy:" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("configuration", sorted(ROOT.glob("config/*.yaml")), ids=lambda path: path.name)
def test_a_configuration_shown_is_the_configuration(configuration):
    config = load_files([configuration])
    assert Config.model_validate(yaml.safe_load(as_yaml(config))) == config


def test_a_wrong_key_is_named_with_its_file(tmp_path):
    (tmp_path / "own.yaml").write_text("documnets: x\n")
    with pytest.raises(InputError, match=r"own.yaml: documnets"):
        load_files([tmp_path / "own.yaml"])


def test_later_configuration_files_are_laid_over_the_earlier_ones(tmp_path):
    (tmp_path / "own.yaml").write_text("run: mine\nevidence: {tokens: 7}\n")
    config = load_files([ROOT / "config/demo.yaml", tmp_path / "own.yaml"])
    assert (config.run, config.evidence.tokens, config.evidence.source) == ("mine", 7, "invented")


def test_a_generated_file_that_was_edited_is_named_and_mended(own_copy):
    assert acrflow("config", "--check", **own_copy).returncode == 0
    edited = own_copy["folder"] / "config" / "config.yaml"
    before = edited.read_text()
    edited.write_text(before.replace("run: paper", "run: mine"))
    checked = acrflow("config", "--check", **own_copy)
    assert checked.returncode == 1 and checked.stdout.startswith("config/config.yaml is out of date")
    assert acrflow("config", **own_copy).returncode == 0
    assert edited.read_text() == before


@pytest.fixture
def own_copy(tmp_path):
    """What `acrflow` needs to be called on a copy of the repository."""
    sys.path.insert(0, str(ROOT / "tests" / "workflow"))
    from checkout import copy_project

    copy_project(tmp_path / "copy")
    return {"folder": tmp_path / "copy", "PYTHONPATH": str(tmp_path / "copy" / "scripts")}


def test_a_library_without_its_repository_says_so(tmp_path, own_copy):
    (own_copy["folder"] / "scripts").rename(tmp_path / "site-packages")
    done = acrflow("config", "show", folder=tmp_path, PYTHONPATH=str(tmp_path / "site-packages"))
    assert done.returncode == 2 and "without the files of its repository" in done.stderr


def test_the_workflow_is_submitted_from_any_folder(tmp_path):
    """From another folder than the repository Snakemake is told where Snakefile and profile are."""
    sbatch = tmp_path / "bin" / "sbatch"
    sbatch.parent.mkdir()
    sbatch.write_text("#!/bin/sh\necho 17\n")
    sbatch.chmod(sbatch.stat().st_mode | stat.S_IXUSR)
    done = acrflow(
        "submit", "evaluation", "--configfile", "own.yaml", "--configfile", "more.yaml",
        folder=tmp_path, PATH=f"{sbatch.parent}:{os.environ['PATH']}",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert f"Slurm job 17 runs the workflow; its output: {tmp_path}/logs/slurm/workflow-17.log" in done.stdout
    script = (tmp_path / "logs/slurm/workflow.sh").read_text()
    places = f"--snakefile {ROOT}/Snakefile --profile {ROOT}/profiles/slurm --configfile own.yaml more.yaml"
    assert f"{places} -- evaluation &" in script and f"{places} --unlock" in script


def test_the_doctor_answers_with_a_configuration_of_ones_own(tmp_path):
    done = acrflow("doctor", "--profile", "local", "--configfile", str(ROOT / "config/demo.yaml"), folder=tmp_path)
    assert done.returncode == 0 and "everything is in order" in done.stdout


def test_the_package_installs_the_command_and_what_it_needs():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    module, function = project["project"]["scripts"]["acrflow"].split(":")
    assert callable(getattr(__import__(module, fromlist=[function]), function))
    data = project["tool"]["setuptools"]["package-data"]["acrflow"]
    packaged = {path for pattern in data for path in (ROOT / "scripts/acrflow").glob(pattern)}
    assert {path.name for path in packaged} >= {"py.typed", "report.html.j2", "model_card.md.j2"}
    others = [
        path for path in (ROOT / "scripts/acrflow").rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")
    ]
    assert set(others) <= packaged, "package-data in pyproject.toml leaves a file out"
