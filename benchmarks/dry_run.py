"""Seconds of a dry run of the paper's configuration over 261 topics, against a bare Snakefile of as many jobs.

The bare one has the same shape (per topic a download and a reading, then all of them collected, then a few more) and no
configuration, no library and no checks: the ratio is what ours cost.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from harness import ROOT, compare

TOPICS = 261  # what the guidelines' publisher lists
SNAKEMAKE = [str(Path(sys.executable).parent / "snakemake"), "--quiet", "rules", "--nocolor", "-n"]
BARE = """
rule all:
    input: expand("late/{n}", n=range(%(rest)d))
rule download:
    output: "documents/{topic}.pdf"
    shell: "touch {output}"
rule parse:
    input: "documents/{topic}.pdf"
    output: "guidelines/{topic}.json"
    shell: "touch {output}"
rule collect:
    input: expand("guidelines/{topic}.json", topic=range(%(topics)d))
    output: "all.json"
    shell: "touch {output}"
rule late:
    input: "all.json"
    output: "late/{n}"
    shell: "touch {output}"
"""


def main() -> None:
    """Write the figure; it must be under 10 s."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3, help="runs of each side (default 3)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        topics = Path(scratch) / "topics.tsv"
        roles = ["generalization" if number % 8 == 0 else "train_test" for number in range(TOPICS)]
        rows = [f"topic_{n}\tTopic {n}\t{role}\t{n + 1}\tPanel" for n, role in enumerate(roles)]
        topics.write_text("\n".join(["topic\ttitle\trole\tacr_id\tpanel", *rows]) + "\n")
        ours = [
            *SNAKEMAKE,
            "--profile",
            "slurm",
            "--config",
            f"topics={{download: {topics}}}",
            "run=dry_run",
            "--",
            "all",
        ]
        jobs = int(re.findall(r"^total\s+(\d+)", plan(ours, ROOT), re.MULTILINE)[0])
        (Path(scratch) / "Snakefile").write_text(BARE % {"topics": TOPICS, "rest": jobs - 2 * TOPICS - 2})
        result = compare(
            "dry_run",
            lambda: plan(ours, ROOT),
            lambda: plan(SNAKEMAKE, Path(scratch)),
            amount=jobs,
            unit="jobs/s",
            runs=args.runs,
            baseline_is="a bare Snakefile of as many jobs",
            topics=TOPICS,
            jobs=jobs,
        )
        print(f"one dry run of {jobs} jobs takes {jobs / result['ours']:.1f} s")


def plan(command: list[str], folder: Path) -> str:
    """What a dry run prints."""
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    main()
