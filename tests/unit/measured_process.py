"""A program run to its end, with the wall time and the memory it took."""

import os
import subprocess
import tempfile
import time


def measure(command: list[str]) -> tuple[int, str, float, int]:
    """Exit status, stderr, seconds of wall time, and the largest resident memory, in bytes, of it or a child of it."""
    begin = time.monotonic()
    with tempfile.TemporaryFile() as stderr:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=stderr)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        stderr.seek(0)
        text = stderr.read().decode()
    return process.returncode, text, time.monotonic() - begin, usage.ru_maxrss * 1024
