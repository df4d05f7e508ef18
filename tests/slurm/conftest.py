"""The cluster, started once for all tests, and a project whose data steps are done."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent / "workflow"))

import cluster  # noqa: E402
from checkout import copy_project  # noqa: E402
from lab import SNAKEMAKE, STEPS, TINY, Done, Lab, show  # noqa: E402
from sleeping import Plan  # noqa: E402


@pytest.fixture(scope="session")
def slurm(request: pytest.FixtureRequest) -> Iterator[None]:
    """A running cluster. ACRFLOW_KEEP_CLUSTER=1 leaves it running, or uses one that runs."""
    reason = cluster.missing()
    if reason:
        pytest.skip(f"NO REAL SLURM CLUSTER HERE: {reason}")
    keep = os.environ.get("ACRFLOW_KEEP_CLUSTER") == "1"
    if not (keep and cluster.pid_of("slurmctld")):
        cluster.up()
    if any("plan" in getattr(item, "fixturenames", ()) for item in request.session.items):
        request.getfixturevalue("plan")  # its jobs sleep beside all tests
    yield
    if not keep:
        cluster.down()


@pytest.fixture(scope="session")
def plan() -> Plan:
    """The plan for 64 GPUs, whose jobs have been submitted."""
    return Plan()


@pytest.fixture(scope="session")
def done(slurm: None, tmp_path_factory: pytest.TempPathFactory) -> Done:
    """The whole workflow through Slurm with the shipped profile: from invented documents to the report."""
    lab = Lab(copy_project(tmp_path_factory.mktemp("workflow") / "project").root)
    running = lab.start("all")
    training = {adapter: show(job) for adapter, job in running.pause(lab, *STEPS).items()}
    output = running.succeeds(1200)
    fields = "jobid,comment%80,partition,account,reqtres%90,timelimitraw,state"
    accounts = [line.split("|") for line in cluster.run("sacct", "-XnP", f"-o{fields}").splitlines()]
    jobs = {job["id"] for job in running.jobs()}
    return Done(lab, output, [row for row in accounts if row[0] in jobs], training)


@pytest.fixture(scope="session")
def prepared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with examples and the tiny base; only trainings are left to do.

    Taken from the whole workflow's run, if that is tested as well; else made without Slurm.
    """
    root = tmp_path_factory.mktemp("prepared") / "project"
    if any("done" in getattr(item, "fixturenames", ()) for item in request.session.items):
        shutil.copytree(request.getfixturevalue("done").lab.root, root, symlinks=True)
        for made in (root / "logs", *(root / "results/tiny/adapters").iterdir()):
            shutil.rmtree(made)
        return root
    copy_project(root)
    (root / "own.yaml").write_text("{}")
    command = [SNAKEMAKE, "--profile", "profiles/demo", *TINY, "--omit-from", "train_adapter", "--", "sft", "baseline"]
    made = subprocess.run(command, cwd=root, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert (root / "results/tiny/models/base").is_dir(), made.stdout[-4000:]
    return root


@pytest.fixture
def lab(slurm: None, prepared: Path, tmp_path: Path) -> Iterator[Lab]:
    """A project of its own for one test; whatever it left in the queue is cancelled."""
    lab = Lab(tmp_path / "project", prepared)
    yield lab
    lab.abandon()
    cluster.mend()
    cluster.cancel()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say loudly what a skipped cluster means."""
    if any("NO REAL SLURM CLUSTER" in str(report.longrepr) for report in terminalreporter.getreports("skipped")):
        terminalreporter.write_sep("!", "NOTHING WAS TESTED ON SLURM: run make test-slurm as root", red=True, bold=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder is marked `slurm`."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.slurm)
