"""Several processes of one training, as accelerate launches them: one per GPU, on one node or several."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

# The address of a vLLM server that scripts/adapters/launch.py has started for this training alone.
SERVER = "ACRFLOW_ROLLOUT_SERVER"


def free_port() -> int:
    """A port that nobody listens on, so that two trainings on one node do not meet."""
    with socket.socket() as one:
        one.bind(("", 0))
        return int(one.getsockname()[1])


def is_main() -> bool:
    """Whether this is the process that writes."""
    return os.environ.get("RANK", "0") == "0"


@contextmanager
def main_first() -> Iterator[bool]:
    """Let the main process through first, the others after it; gives whether this is the main process."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield True
        return
    from accelerate import PartialState

    state = PartialState()
    with state.main_process_first():
        yield state.is_main_process
