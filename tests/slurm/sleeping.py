"""The plan of docs/scaling.md for 64 GPUs as sleeping jobs on 64 pretended H100s, with a day's hours in seconds."""

import time

from cluster import run

from acrflow.cluster.plan import Figures, Task, schedule, tasks
from acrflow.config.adapters import paper_adapters
from acrflow.config.configuration import Config
from acrflow.config.evaluation import Evaluation

HOUR = 30.0  # seconds that stand for an hour
SEEDS = 12


class Plan:
    """The plan, and its jobs in Slurm."""

    def __init__(self) -> None:
        seeds = {"seeds": list(range(1, SEEDS))}
        adapters = {name: one.model_copy(update=seeds) for name, one in paper_adapters().items()}
        figures = Figures()
        wanted = tasks(Config(adapters=adapters, evaluation=Evaluation(merge=True, other_evidence=[])), figures)
        planned = schedule(wanted, 64, figures)
        self.hours, self.gpu_hours = planned.hours - figures.data - figures.after, planned.gpu_hours
        self.jobs: dict[str, str] = {}
        for task in wanted:
            self.jobs[task.name] = submit(task, [self.jobs[name] for name in task.after])

    def waiting(self) -> bool:
        """Whether a job has not yet ended."""
        return bool(run("squeue", "-h", "-o", "%i", "--partition=wide", check=False).strip())

    def states(self) -> list[str]:
        return [row[1] for row in self._rows()]

    def measured(self) -> tuple[float, float]:
        """Hours from the first start to the last end, and hours of all jobs together."""
        times = [(stamp(row[2]), stamp(row[3])) for row in self._rows()]
        spent = max(end for _, end in times) - min(start for start, _ in times)
        return spent / HOUR, sum(end - start for start, end in times) / HOUR

    def _rows(self) -> list[list[str]]:
        return [
            line.split("|")
            for line in run("sacct", "-XnP", "-ojobid,state,start,end", "-j", ",".join(self.jobs.values())).split()
        ]


def submit(task: Task, after: list[str]) -> str:
    """A job that asks for what the task asks for and sleeps as long as it would take."""
    call = ["sbatch", "--parsable", "-A", "lab", "-p", "wide", f"--gres=gpu:h100:{task.gpus}", "--mem=100", "-t", "60"]
    call += [f"--job-name={task.name.replace(' ', '-')}", "-o", "/dev/null", "--no-requeue"]
    call += [f"--dependency=afterok:{':'.join(after)}"] if after else []
    return run(*call, "--wrap", f"sleep {task.hours * HOUR:.1f}").strip()


def stamp(text: str) -> float:
    """Seconds of Slurm's time stamp."""
    return time.mktime(time.strptime(text, "%Y-%m-%dT%H:%M:%S"))
