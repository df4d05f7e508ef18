"""The plan of docs/scaling.md for 64 GPUs, run with sleeping jobs on 64 pretended H100s."""

import cluster
import pytest
from sleeping import SEEDS, Plan


def test_the_64_gpu_plan_takes_the_time_that_it_says(
    slurm: None, plan: Plan, capsys: pytest.CaptureFixture[str]
) -> None:
    assert len(plan.jobs) == 2 * 5 * SEEDS + 1
    cluster.until(lambda: not plan.waiting(), "the end of all jobs", 900)
    cluster.until(lambda: plan.states() == ["COMPLETED"] * len(plan.jobs), "the accounts of all jobs", 60)
    hours, busy = plan.measured()
    with capsys.disabled():
        print(f"\nplanned {plan.hours:.2f} h and {plan.gpu_hours:.0f} GPU hours, ran {hours:.2f} h and {busy:.0f}")
    assert plan.hours <= hours * 1.1
    assert hours <= plan.hours * 1.4  # 121 starts beside the other tests cost real seconds
    assert abs(busy - plan.gpu_hours) < 0.25 * plan.gpu_hours
