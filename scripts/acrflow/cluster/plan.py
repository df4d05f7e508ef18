"""How long a run takes on so many GPUs: from a few stated figures, by list scheduling.

Critical-path list scheduling (Graham, SIAM J. Appl. Math. 17, 1969): whenever GPUs are free, the ready task with the
longest path of work behind it starts. Jobs and files are counted by Snakemake itself: a dry run and --summary of the
paper's configuration with so many seeds.
"""

import heapq
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from acrflow.config.adapters import paper_adapters
from acrflow.config.configuration import Config
from acrflow.config.evaluation import Evaluation
from acrflow.io.errors import InputError
from acrflow.io.shipped import shipped

SEEDS = {1: 8, 12: 64, 100: 512}  # seeds of each adapter: the GPUs that they fill
ADAPTER_FILES = {"sft": 11, "grpo": 13}  # in an adapter's two folders, of which Snakemake counts each as one
MARKS = ("<!-- plan -->", "<!-- /plan -->")


@dataclass(frozen=True)
class Figures:
    """Hours that the plan rests on; where each comes from stands in docs/scaling.md.

    Attributes:
        baseline: training of the baseline adapter on one GPU.
        relative: training time of an adapter in units of the baseline's, by name; 1.3 for a name that is not there.
        predict: all predictions of one adapter on one GPU.
        score: scoring the reasoning of one adapter on one GPU.
        data: the data steps before the first training, none of which needs a GPU.
        after: measuring, comparing, report.
        job: what a Slurm job costs beside its work.
    """

    baseline: float = 2.0
    relative: tuple[tuple[str, float], ...] = (
        ("sft", 0.5),
        ("baseline", 1.0),
        ("citations", 1.2),
        ("llm_eval", 1.8),
        ("medreason_embed", 1.3),
    )
    predict: float = 0.25
    score: float = 0.1
    data: float = 2.0
    after: float = 0.2
    job: float = 15 / 3600


@dataclass(frozen=True)
class Task:
    """One GPU job: its name, GPUs and hours, and the tasks that it waits for, which stand before it in a list."""

    name: str
    gpus: int
    hours: float
    after: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """What a run costs: GPU hours and hours by the clock, and when each task starts (hours after the data steps)."""

    gpu_hours: float
    hours: float
    starts: dict[str, float]


def tasks(config: Config, figures: Figures) -> list[Task]:
    """The GPU jobs of a run: trainings, predictions with each kind of evidence, and one that scores the reasoning."""
    relative = dict(figures.relative)
    trained = config.trained()
    found = []
    for folder, (adapter, _) in trained.items():
        needs = config.training_needs(adapter)
        gpus = max(1, needs.gpus) * needs.nodes
        hours = figures.baseline * relative.get(adapter, 1.3) / gpus
        found.append(Task(f"train {folder}", gpus, hours + figures.job))
    trainings = tuple(task.name for task in found)
    readers = [folder for folder, (adapter, _) in trained.items() if config.adapters[adapter].evidence != "none"]
    for kind in config.other_evidence if readers else []:
        if config.evaluation.merge:
            hours = figures.predict + figures.job
            found += [Task(f"ask {folder}, {kind}", 1, hours, (f"train {folder}",)) for folder in readers]
        else:
            found.append(Task(f"ask again, {kind}", 1, figures.predict * len(readers) + figures.job, trainings))
    if config.evaluation.backend == "vllm" and not config.evaluation.merge:  # one job loads the base for all
        found.append(Task("predict", 1, figures.predict * len(trained) + figures.job, trainings))
    else:
        hours = figures.predict + figures.job
        found += [Task(f"predict {folder}", 1, hours, (f"train {folder}",)) for folder in trained]
    predicted = tuple(task.name for task in found if task.name.startswith("predict"))
    reasoners = sum(config.adapters[adapter].prompt.startswith("reasoning") for adapter, _ in trained.values())
    return [*found, Task("score", 1, figures.score * reasoners + figures.job, predicted)]


def schedule(wanted: list[Task], gpus: int, figures: Figures) -> Plan:
    """When each task starts on so many GPUs.

    Raises:
        ValueError: a task that asks for more GPUs than there are.
    """
    largest = max((task.gpus for task in wanted), default=0)
    if largest > gpus:
        raise ValueError(f"a task asks for {largest} GPUs, and there are {gpus}")
    behind: dict[str, float] = {}
    for task in reversed(wanted):
        behind[task.name] = behind.get(task.name, 0.0) + task.hours
        for before in task.after:
            behind[before] = max(behind.get(before, 0.0), behind[task.name])
    missing = {task.name: set(task.after) for task in wanted}
    waiting = sorted(wanted, key=lambda task: -behind[task.name])
    now, free, starts = 0.0, gpus, {}
    running: list[tuple[float, str, int]] = []
    while waiting or running:
        for task in [task for task in waiting if not missing[task.name]]:
            if task.gpus <= free:
                waiting.remove(task)
                free -= task.gpus
                starts[task.name] = now
                heapq.heappush(running, (now + task.hours, task.name, task.gpus))
        now, ended, released = heapq.heappop(running)
        free += released
        for names in missing.values():
            names.discard(ended)
    gpu_hours = sum(task.gpus * task.hours for task in wanted)
    return Plan(gpu_hours, figures.data + now + figures.after, starts)


def table() -> str:
    """The plan of the paper's adapters with 1, 12 and 100 seeds each, as a table in Markdown."""
    lines = [
        "| seeds | adapters | jobs | of them on GPUs | files | GPU hours | hours on 8 | on 64 | on 512 GPUs |",
        "| --: | --: | --: | --: | --: | --: | --: | --: | --: |",
    ]
    for seeds in SEEDS:
        # merged, each adapter is predicted by a job of its own; else one job predicts for all
        further = {"seeds": list(range(1, seeds))}
        evaluation = {"merge": True, "other_evidence": []}
        jobs, files = counted({"adapters": dict.fromkeys(paper_adapters(), further), "evaluation": evaluation})
        adapters = {name: one.model_copy(update=further) for name, one in paper_adapters().items()}
        config = Config(adapters=adapters, evaluation=Evaluation.model_validate(evaluation))
        wanted = tasks(config, Figures())
        plans = {gpus: schedule(wanted, gpus, Figures()) for gpus in SEEDS.values()}
        hours = " | ".join(f"{plan.hours:.1f}" for plan in plans.values())
        trained = [config.adapters[adapter].method for adapter, _ in config.trained().values()]
        within = sum(ADAPTER_FILES[method] - 2 for method in trained)
        cells = [seeds, len(trained), jobs, len(wanted), files + within, f"{plans[8].gpu_hours:.0f}"]
        lines.append(f"| {' | '.join(map(str, cells))} | {hours} |")
    return "\n".join(lines)


def counted(values: dict[str, Any]) -> tuple[int, int]:
    """Jobs and declared files of the paper's configuration with some values laid over it."""
    root = shipped("Snakefile").parent
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "values.yaml"
        file.write_text(yaml.safe_dump({**values, "results": scratch}))
        snakemake = [str(Path(sys.executable).parent / "snakemake"), "--profile", "slurm", "--nocolor", "--configfile"]
        plan, summary = (
            subprocess.run([*snakemake, str(file), *how], cwd=root, capture_output=True, text=True, check=True).stdout
            for how in (["--quiet", "rules", "-n", "--", "all"], ["--summary", "--", "all"])
        )
    jobs = int(re.findall(r"^total\s+(\d+)", plan, re.MULTILINE)[0])
    return jobs, sum(line.startswith(scratch) for line in summary.splitlines())


def around(page: Path) -> tuple[str, str]:
    """What stands before and after the table in a page, the marks included.

    Raises:
        InputError: the page is missing, or has no place for the table.
    """
    remedy = f"name a page with {' and '.join(MARKS)} on lines of their own, such as docs/scaling.md"
    if not page.is_file():
        raise InputError(page, "no such page", remedy)
    before, opened, rest = page.read_text(encoding="utf-8").partition(MARKS[0])
    _, closed, after = rest.partition(MARKS[1])
    if not (opened and closed):
        raise InputError(page, "no place for the table", remedy)
    return f"{before}{opened}\n", f"\n{closed}{after}"
