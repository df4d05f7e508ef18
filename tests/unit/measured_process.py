"""A program run to its end, with the wall time and the memory it took."""

import json
import os
import subprocess
import sys
import time


def measure(command: list[str]) -> tuple[int, str, float, int]:
    """Exit status, stderr, seconds of wall time, and the largest resident memory, in bytes, of it or a child of it.

    A small process stands between: until it runs its program, a child counts as its own what its parent's memory holds,
    and the tests' has grown beyond a gigabyte.
    """
    watched = subprocess.run([sys.executable, __file__, *command], capture_output=True, text=True)
    status, seconds, peak = json.loads(watched.stdout)
    return status, watched.stderr, seconds, peak


def main() -> None:
    begin = time.monotonic()
    process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    print(json.dumps([process.returncode, time.monotonic() - begin, usage.ru_maxrss * 1024]))


if __name__ == "__main__":
    main()
