"""A training on two nodes: one process each, started by configuration alone."""

from lab import Lab, show


def test_an_adapter_trains_on_two_nodes(lab: Lab) -> None:
    lab.configure(
        adapters={"sft": {"resources": {"nodes": 2, "gpus": 1, "cpus": 4}}},
        training={"sft": {"steps": 40, "save_every": 10}},
    )
    running = lab.start("sft")
    job = show(running.until_training(lab, "sft"))
    assert (job["NumNodes"], job["TresPerNode"], job["NumCPUs"]) == ("2", "gres:gpu:h100:1", "8")
    running.succeeds()
    assert lab.steps("sft") == list(range(1, 41))
    assert lab.log("sft").count("sft: 40 steps on") == 1  # two processes, one of them writes
