"""The plan of a run on so many GPUs."""

import pytest

from acrflow.cluster.plan import Figures, Task, schedule, tasks
from acrflow.config.adapters import paper_adapters
from acrflow.config.configuration import Config
from acrflow.config.evaluation import Evaluation

NOTHING = Figures(data=0.0, after=0.0, job=0.0)


def test_independent_tasks_share_the_gpus() -> None:
    plan = schedule([Task(str(number), 1, 1.0) for number in range(10)], 4, NOTHING)
    assert (plan.hours, plan.gpu_hours) == (3.0, 10.0)


def test_a_task_starts_after_the_one_it_waits_for() -> None:
    plan = schedule([Task("train", 1, 2.0), Task("predict", 1, 1.0, ("train",))], 8, NOTHING)
    assert plan.starts == {"train": 0.0, "predict": 2.0}
    assert plan.hours == 3.0


def test_the_longest_path_starts_first() -> None:
    wanted = [Task("short", 1, 1.0), Task("long", 1, 1.0), Task("tail", 1, 3.0, ("long",))]
    assert schedule(wanted, 1, NOTHING).starts["long"] == 0.0


def test_wide_tasks_wait_for_their_gpus() -> None:
    plan = schedule([Task("a", 8, 1.0), Task("b", 8, 1.0), Task("c", 1, 1.0)], 9, NOTHING)
    assert plan.hours == 2.0
    with pytest.raises(ValueError, match="asks for 8 GPUs"):
        schedule([Task("a", 8, 1.0)], 4, NOTHING)


@pytest.mark.parametrize(("merge", "jobs"), [(False, 9), (True, 17)])
def test_the_papers_run_is_bound_by_its_longest_adapter(merge: bool, jobs: int) -> None:
    wanted = tasks(Config(adapters=paper_adapters(), evaluation=Evaluation(merge=merge)), NOTHING)
    assert len(wanted) == jobs
    hours = {gpus: schedule(wanted, gpus, NOTHING).hours for gpus in (1, 8, 512)}
    predictions = 0.25 if merge else 5 * 0.25
    assert hours[8] == hours[512] == pytest.approx(1.8 * 2 + predictions + 4 * 0.1)
    assert hours[1] == pytest.approx(sum(task.hours for task in wanted))
