"""Snakemake, run for real in a copy of the project, so that nothing is left in the checkout."""

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from programs import HANGING

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Project:
    """A copy of the project, without what git ignores."""

    root: Path

    def snakemake(self, *arguments: str, timeout: float = 10 * HANGING) -> subprocess.CompletedProcess:
        """Run snakemake in the copy; output of both streams in `stdout`."""
        command = [str(Path(sys.executable).parent / "snakemake"), "--nocolor", *arguments]
        return subprocess.run(
            command, cwd=self.root, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout
        )

    def planned(self, *arguments: str) -> list[str]:
        """The message of every job that a dry run plans, for instance "Training adapter sft"."""
        run = self.snakemake("--dry-run", *arguments)
        assert run.returncode == 0, run.stdout
        return re.findall(r"^Job \d+: (.+)$", run.stdout, re.MULTILINE)

    def trains(self, *arguments: str) -> set[str]:
        """The adapters that a dry run would train."""
        prefix = "Training adapter "
        return {message.removeprefix(prefix) for message in self.planned(*arguments) if message.startswith(prefix)}


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
