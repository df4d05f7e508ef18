"""What Slurm would refuse is one message with a remedy, before any work."""

from typing import Any

import pytest
from cluster import run
from lab import Lab


@pytest.mark.parametrize(
    ("site", "configuration", "named"),
    [
        ({"gpu_partition": "hopper"}, {}, ["no such partition", "set the partitions", "cancelled; cpu; gpu; urgent"]),
        ({"account": "nosuch"}, {}, ["account", "set account", "full; lab"]),
        ({"gpu_type": "b200"}, {}, ["no node is built like that", "--gres=gpu:b200:1", "gpu:h100:8"]),
        ({}, {"resources": {"train_adapter": {"gpus": 9}}}, ["no node is built like that", "--gres=gpu:h100:9"]),
        (
            {"longest_minutes": 5000},
            {"resources": {"train_adapter": {"minutes": 5000}}},
            ["so long a job", "longest_minutes", "gpu 1-00:00:00"],
        ),
    ],
)
def test_an_impossible_request(lab: Lab, site: dict[str, Any], configuration: dict[str, Any], named: list[str]) -> None:
    lab.site(**site)
    lab.configure(**configuration)
    running = lab.start("sft", "baseline")
    output = running.finish()
    assert running.process.returncode != 0
    assert all(word in output for word in [*named, "Remedy:"]), output
    assert output.count("Remedy:") == 1
    assert "Traceback" not in output
    assert not running.jobs()


def test_a_full_queue_is_said_and_waited_for(lab: Lab) -> None:
    lab.site(account="full")  # takes one job at a time
    lab.configure(training={"grpo": {"steps": 10}})
    other = run("sbatch", "--parsable", "-A", "full", "-p", "cpu", "-o", "/dev/null", "--wrap", "sleep 1000").strip()
    running = lab.start("baseline")
    running.until(lambda: "Slurm takes no more jobs now" in running.output)
    run("scancel", other)
    output = running.succeeds()
    assert output.count("Slurm takes no more jobs now") == 1
    assert "--jobs N" in output
    assert lab.steps("baseline")[-1] == 10
    assert "Trying to restart" not in output
