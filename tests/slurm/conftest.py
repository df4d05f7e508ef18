"""The cluster, started once for all tests, and a project whose data steps are done."""

import os
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
from lab import SNAKEMAKE, TINY, Lab  # noqa: E402


@pytest.fixture(scope="session")
def slurm() -> Iterator[None]:
    """A running cluster. ACRFLOW_KEEP_CLUSTER=1 leaves it running, or uses one that runs."""
    reason = cluster.missing()
    if reason:
        pytest.skip(f"NO REAL SLURM CLUSTER HERE: {reason}")
    keep = os.environ.get("ACRFLOW_KEEP_CLUSTER") == "1"
    if not (keep and cluster.pid_of("slurmctld")):
        cluster.up()
    yield
    if not keep:
        cluster.down()


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with examples and the tiny base, made on this machine; only trainings are left to do."""
    project = copy_project(tmp_path_factory.mktemp("prepared") / "project")
    (project.root / "own.yaml").write_text("{}")
    command = [SNAKEMAKE, "--profile", "profiles/demo", *TINY, "--omit-from", "train_adapter", "--", "sft", "baseline"]
    done = subprocess.run(command, cwd=project.root, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert (project.root / "results/tiny/models/base").is_dir(), done.stdout[-4000:]
    return project.root


@pytest.fixture
def lab(slurm: None, prepared: Path, tmp_path: Path) -> Iterator[Lab]:
    """A project of its own for one test; whatever it left in the queue is cancelled."""
    yield Lab(tmp_path / "project", prepared)
    cluster.run("scancel", "--user", str(os.geteuid()), check=False)
    cluster.until(cluster.idle, "idle nodes after the test", 90)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder is marked `slurm`."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.slurm)
