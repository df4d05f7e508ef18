"""How a training is started, and when it goes back to Slurm's queue."""

import multiprocessing
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from programs import HANGING

from acrflow.cluster import launch, requeue
from acrflow.training.rollouts import VLLM

ROOT = Path(__file__).resolve().parents[2]


def prefix(gpus: int, nodes: int, cpus: int, job: str | None) -> list[str]:
    return launch.prefix(launch.layout(gpus, nodes, cpus, 0, job, []), job)


def test_one_process_needs_no_launcher() -> None:
    assert prefix(gpus=1, nodes=1, cpus=8, job="12") == []
    assert prefix(gpus=0, nodes=1, cpus=1, job=None) == []


def test_several_gpus_of_one_machine_get_a_process_each() -> None:
    assert "--nproc-per-node=4" in prefix(gpus=4, nodes=1, cpus=8, job=None)


def test_several_nodes_get_a_process_per_gpu_under_srun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "lines", lambda *command: ["node07", "node08"])
    command = prefix(gpus=8, nodes=2, cpus=64, job="12")
    assert command[:4] == ["srun", "--nodes=2", "--ntasks=16", "--ntasks-per-node=8"]
    assert "--cpus-per-task=8" in command
    assert launch.os.environ["MASTER_ADDR"] == "node07"


def test_a_server_takes_the_last_gpus_of_one_node_or_the_last_of_several_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    one = launch.layout(4, 1, 8, 1, "12", ["0", "1", "2", "3"])
    assert (one.devices, one.server_devices, one.apart) == (["0", "1", "2"], ["3"], False)
    assert "--ntasks=3" in launch.prefix(one, "12")
    monkeypatch.setattr(launch, "lines", lambda *command: ["node07", "node08", "node09"])
    three = launch.layout(8, 3, 64, 8, "12", [str(number) for number in range(8)])
    assert (three.nodes, three.server_node, three.apart) == (["node07", "node08"], "node09", True)
    assert {"--ntasks=16", "--nodelist=node07,node08"} <= set(launch.prefix(three, "12"))
    assert "--nodelist=node09" in launch.server_prefix(three, 8)


SERVE = """
import http.server, os, signal, sys
assert signal.SIGTERM in signal.pthread_sigmask(signal.SIG_BLOCK, [])
assert sys.argv[1] == "serve" and os.environ["VLLM_SERVER_DEV_MODE"] == "1"
print("serving", sys.argv[1:], "on", os.environ["CUDA_VISIBLE_DEVICES"], flush=True)
if sys.argv[2] == "broken":
    sys.exit("no memory for it")
class Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/health" else 404)
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", int(sys.argv[sys.argv.index("--port") + 1])), Health).serve_forever()
"""


@pytest.mark.parametrize("model", ["sound", "broken"])
def test_a_training_finds_its_own_server_and_its_own_gpus(tmp_path: Path, model: str) -> None:
    """A server of a few lines stands where vLLM's would need GPUs; everything around it is real."""
    place = tmp_path / f"{VLLM.replace('.', '/')}.py"
    place.parent.mkdir(parents=True)
    place.write_text(SERVE)
    for folder in (place.parent, place.parent.parent, place.parent.parent.parent):
        (folder / "__init__.py").write_text("")
    training = "import os; print('trains on', os.environ['CUDA_VISIBLE_DEVICES'], os.environ['ACRFLOW_ROLLOUT_SERVER'])"
    options = f"--gpus 3 --server-gpus 2 --tensor-parallel 2 --server-model {model} --server-log {tmp_path / 'log'}"
    command = [
        sys.executable,
        str(ROOT / "scripts/adapters/launch.py"),
        *options.split(),
        "--",
        sys.executable,
        "-c",
        training,
    ]
    variables = {
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": f"{tmp_path}:{ROOT / 'scripts'}",
        "CUDA_VISIBLE_DEVICES": "0,1,2",
    }
    done = subprocess.run(
        command, env=variables | {"TMPDIR": str(tmp_path)}, capture_output=True, text=True, timeout=HANGING
    )
    said = (tmp_path / "log").read_text()
    assert "on 1,2" in said and "'--tensor-parallel-size', '2', '--data-parallel-size', '1'" in said
    if model == "sound":
        assert "trains on 0 http://127.0.0.1:" in done.stdout, done
        assert not subprocess.run(["pgrep", "-f", str(place)], capture_output=True).stdout
    else:
        assert done.returncode == 2 and "trains on" not in done.stdout
        assert "the vLLM server ended with status 1" in done.stderr and "no memory for it" in done.stderr


def take(folder: str, seconds: float) -> None:
    with launch.gpus_taken(1) as devices:
        with open(Path(folder) / "taken", "a") as file:
            file.write(f"{','.join(devices)} {time.monotonic()}\n")
        time.sleep(seconds)


def test_each_job_of_one_machine_has_a_gpu_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    monkeypatch.setattr(launch.tempfile, "gettempdir", lambda: str(tmp_path))
    context = multiprocessing.get_context("fork")
    jobs = [context.Process(target=take, args=(str(tmp_path), 1.0)) for _ in range(3)]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join(30)
    taken = [line.split() for line in (tmp_path / "taken").read_text().splitlines()]
    assert {device for device, _ in taken[:2]} == {"0", "1"}
    assert float(taken[2][1]) - float(taken[0][1]) > 0.9  # the third had to wait


def test_a_machine_without_gpus_takes_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with launch.gpus_taken(1) as devices:
        assert devices == []
        assert launch.environment(devices) == {}


@pytest.mark.parametrize(
    ("states", "reached", "asked"),
    [(["RUNNING"], 20, True), (["RUNNING"], 10, False), (["CANCELLED"], 20, False), (["COMPLETING"], 20, False)],
)
def test_only_a_job_that_gets_somewhere_and_that_nobody_ends_is_requeued(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, states: list[str], reached: int, asked: bool
) -> None:
    calls: list[Any] = []
    monkeypatch.setattr(requeue, "lines", lambda *command: states)
    monkeypatch.setattr(requeue, "PATIENCE", 0)
    done = subprocess.CompletedProcess([], 0, "", "")
    monkeypatch.setattr(requeue, "call", lambda *command: calls.append(command) or done)
    for step in (10, reached):
        marker = tmp_path / f"checkpoint-{step}" / "complete"
        marker.parent.mkdir(exist_ok=True)
        marker.write_text("")
    (tmp_path / "checkpoint-99").mkdir()  # was being written
    requeue.go_back("12", 10, tmp_path)
    assert calls == ([("scontrol", "requeue", "12")] if asked else [])


@pytest.mark.parametrize("status", [0, 2, 143])
def test_the_status_of_the_command_is_passed_on(status: int) -> None:
    command = [
        sys.executable,
        str(ROOT / "scripts/adapters/launch.py"),
        "--",
        sys.executable,
        "-c",
        f"import sys; sys.exit({status})",
    ]
    assert (
        subprocess.run(command, env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT / "scripts")}).returncode == status
    )
