"""Workflow tests run Snakemake for real, in a copy of the project, so that nothing is left in the checkout."""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Project:
    """A copy of the project, without what git ignores."""

    root: Path

    def snakemake(self, *arguments: str, timeout: float = 300) -> subprocess.CompletedProcess:
        """Run snakemake in the copy; output of both streams in `stdout`."""
        command = [str(Path(sys.executable).parent / "snakemake"), "--nocolor", *arguments]
        return subprocess.run(
            command, cwd=self.root, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout
        )

    def planned(self, *arguments: str) -> list[tuple[str, str]]:
        """Rule and wildcards of every job of a dry run, in no particular order."""
        run = self.snakemake("--dry-run", *arguments)
        assert run.returncode == 0, run.stdout
        jobs, rule = [], None
        for line in run.stdout.splitlines():
            words = line.split()
            if words[:1] in (["rule"], ["localrule"], ["checkpoint"]):
                rule = words[1].removesuffix(":")
                jobs.append((rule, ""))
            elif words[:1] == ["wildcards:"] and rule:
                jobs[-1] = (rule, line.split("wildcards:")[1].strip())
        return jobs


def copy_project(target: Path) -> Project:
    """Copy what git tracks, and what it does not yet track but would, links kept."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    for name in filter(None, listing.stdout.split("\0")):
        source = ROOT / name
        if source.is_symlink() or source.is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target / name, follow_symlinks=False)
    return Project(target)


@pytest.fixture(scope="session")
def project(tmp_path_factory) -> Project:
    """A copy for tests that build nothing and change nothing."""
    return copy_project(tmp_path_factory.mktemp("project"))


@pytest.fixture
def own_project(tmp_path) -> Project:
    """A copy for a test that changes it."""
    return copy_project(tmp_path / "project")
