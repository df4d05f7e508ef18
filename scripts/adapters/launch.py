"""Run a training with the GPUs it asks for, and have it go on after it was told to stop.

In a Slurm job: one process, or with several GPUs one per GPU under srun, on as many nodes as asked for. A training that
saved and ended on SIGTERM (status 143: the time limit is near, or the node is wanted by others) goes back to the queue
under the same job id, and Snakemake waits on. On a single machine: free GPUs are taken, others wait their turn.

    python scripts/adapters/launch.py --gpus 1 --nodes 1 --progress checkpoints/mine -- \\
        python scripts/adapters/train_adapter.py ...
"""

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from acrflow.cluster import requeue
from acrflow.cluster.launch import Layout, devices, environment, gpus_taken, layout, port, prefix, server_prefix
from acrflow.io.errors import run
from acrflow.training.processes import SERVER
from acrflow.training.rollouts import Server, running

TERMINATED = 143


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gpus", type=int, default=0, help="GPUs per node (default 0)")
    parser.add_argument("--nodes", type=int, default=1, help="nodes (default 1)")
    parser.add_argument("--cpus", type=int, default=1, help="CPUs per node (default 1)")
    parser.add_argument("--server-gpus", type=int, default=0, help="of these GPUs, a vLLM server's (default 0)")
    parser.add_argument("--server-model", default="", help="what the server loads")
    parser.add_argument("--server-dtype", default="bfloat16", help="type of its weights (default bfloat16)")
    parser.add_argument("--server-rank", type=int, default=32, help="rank of the adapter that it serves (default 32)")
    parser.add_argument("--server-log", type=Path, default=Path("server.log"), help="the server's output")
    parser.add_argument("--tensor-parallel", type=int, default=1, help="GPUs that share one vLLM model (default 1)")
    parser.add_argument("--progress", type=Path, help="folder of checkpoints; a try without a new one is not repeated")
    parser.add_argument("command", nargs="+", metavar="-- COMMAND", help="the training's command")
    args = parser.parse_args()

    # Slurm signals every process of the step: the training hears it itself, this one only has to outlive it
    signal.signal(signal.SIGTERM, lambda number, frame: None)
    job = os.environ.get("SLURM_JOB_ID")
    before = requeue.newest(args.progress)
    with gpus_taken(0 if job else args.gpus * args.nodes) as taken:
        plan = layout(args.gpus, args.nodes, args.cpus, args.server_gpus, job, devices() if job else taken)
        with served(plan, args, job) as variables:
            command = [*prefix(plan, job), *args.command]
            status = subprocess.run(command, env=os.environ | variables, check=False).returncode
    if status == -signal.SIGTERM:  # before it could listen
        status = TERMINATED
    if status == TERMINATED and job:
        requeue.go_back(job, before, args.progress)
    sys.exit(status if status >= 0 else 128 - status)


@contextmanager
def served(plan: Layout, args: argparse.Namespace, job: str | None) -> Iterator[dict[str, str]]:
    """The variables of the training: its GPUs and, if it has a server of its own, where that is."""
    ours = environment(plan.devices)
    if not args.server_gpus:
        yield ours
        return
    host = plan.server_node if plan.apart and plan.server_node else "127.0.0.1"
    where = (host, port(job) + 1, args.server_log)
    lora = (args.server_rank, args.server_dtype)
    server = Server(args.server_model, args.server_gpus, args.tensor_parallel, *where, *lora)
    command = [*server_prefix(plan, args.server_gpus), *server.command()]
    with running(command, server, environment(plan.server_devices)):
        yield ours | {SERVER: server.address}


if __name__ == "__main__":
    run(main)
