"""Plan a run on 8, 64 and 512 GPUs: jobs, GPU hours, wall time, files; written into docs/scaling.md.

Jobs and files are counted by Snakemake itself (a dry run and --summary of the paper's configuration with so many
seeds); hours come from the figures in acrflow/cluster/plan.py.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

from acrflow.cluster.plan import Figures, schedule, tasks
from acrflow.config import configuration
from acrflow.config.adapters import paper_adapters
from acrflow.config.evaluation import Evaluation
from acrflow.io.errors import InputError, run
from acrflow.io.files import write_text

MARKS = ("<!-- plan -->", "<!-- /plan -->")
SEEDS = {1: 8, 12: 64, 100: 512}  # seeds of each adapter: the GPUs that they fill
ADAPTER_FILES = {"sft": 11, "grpo": 13}  # in an adapter's two folders, of which Snakemake counts each as one


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("docs/scaling.md"), help="default: docs/scaling.md")
    args = parser.parse_args()
    rows = [
        "| seeds | adapters | jobs | of them on GPUs | files | GPU hours | hours on 8 | on 64 | on 512 GPUs |",
        "| --: | --: | --: | --: | --: | --: | --: | --: | --: |",
    ]
    for seeds in SEEDS:
        # merged, each adapter is predicted by a job of its own; else one job predicts for all
        values: dict[str, Any] = {"adapters": {name: {"seeds": list(range(1, seeds))} for name in paper_adapters()}}
        values["evaluation"] = {"merge": True, "other_evidence": []}
        jobs, files = counted(values)
        paper = paper_adapters()
        for name, extra in values["adapters"].items():
            paper[name] = paper[name].model_copy(update=extra)
        config = configuration.Config(adapters=paper, evaluation=Evaluation(merge=True, other_evidence=[]))
        wanted = tasks(config, Figures())
        plans = {gpus: schedule(wanted, gpus, Figures()) for gpus in SEEDS.values()}
        hours = " | ".join(f"{plan.hours:.1f}" for plan in plans.values())
        trained = [config.adapters[adapter].method for adapter, _ in config.trained().values()]
        within = sum(ADAPTER_FILES[method] - 2 for method in trained)
        cells = [seeds, len(trained), jobs, len(wanted), files + within, f"{plans[8].gpu_hours:.0f}"]
        rows.append(f"| {' | '.join(map(str, cells))} | {hours} |")
    text = args.out.read_text(encoding="utf-8")
    before, found, rest = text.partition(MARKS[0])
    if not found:
        raise InputError(args.out, f"no place for the table ({' ... '.join(MARKS)})", "put both on lines of their own")
    write_text(args.out, f"{before}{MARKS[0]}\n" + "\n".join(rows) + f"\n{MARKS[1]}{rest.partition(MARKS[1])[2]}")
    print("\n".join(rows))


def counted(values: dict[str, Any]) -> tuple[int, int]:
    """Jobs and declared files of the paper's configuration with some values laid over it."""
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "values.yaml"
        file.write_text(yaml.safe_dump({**values, "results": scratch}))
        snakemake = [str(Path(sys.executable).parent / "snakemake"), "--profile", "slurm", "--nocolor", "--configfile"]
        plan = call([*snakemake, str(file), "--quiet", "rules", "-n", "--", "all"])
        summary = call([*snakemake, str(file), "--summary", "--", "all"])
    jobs = int(re.findall(r"^total\s+(\d+)", plan, re.MULTILINE)[0])
    return jobs, sum(line.startswith(scratch) for line in summary.splitlines())


def call(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    run(main)
