"""Work on files that may be hostile or broken, within limits of time and memory.

A PDF of a few kilobytes can unpack to gigabytes, and the reader, being compiled code, then ends the whole process or
never comes back. The work is therefore done in a child process that may be lost; the caller gets an error that says
where it was.
"""

import ctypes
import faulthandler
import json
import mmap
import os
import resource
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import TypeVar

from acrflow.io.errors import InputError

SECONDS = 45.0  # of wall time for one guideline; the largest real one takes a tenth of a second a page
MEGABYTES = 800  # of memory; the largest real one takes 50
PR_SET_PDEATHSIG = 1  # linux/prctl.h
_PLACE_BYTES = 4096
_place = mmap.mmap(-1, _PLACE_BYTES)  # shared with the children
Item = TypeVar("Item")


def at(where: str) -> None:
    """Note what is worked on ("narrative.pdf, page 3"): the error names it if the work has to be ended."""
    text = where.encode()[: _PLACE_BYTES - 1]
    _place[: len(text) + 1] = text + b"\0"


def each(
    work: Callable[[Item], None],
    items: Iterable[Item],
    remedy: str,
    seconds: float = SECONDS,
    megabytes: int = MEGABYTES,
) -> list[InputError | None]:
    """Do `work` on each item, in order, in a child process; what it raises or what ends it is the item's error.

    Args:
        work: whatever it makes it must leave in files. It says with `at` where it is.
        items: what to work on.
        remedy: what a user can do about an item that breaks the limits.
        seconds: wall time for one item.
        megabytes: of memory that the child may take beyond what it shares with this process.

    Returns:
        for each item None or its error.

    Raises:
        RuntimeError: the work failed by a fault of our own; its traceback is on stderr.
    """
    waiting, errors = list(items), list[InputError | None]()
    while waiting:
        done = list(_child(work, waiting, remedy, seconds, megabytes))
        errors += done
        waiting = waiting[len(done) :]
    return errors


def one(work: Callable[[], None], remedy: str, seconds: float = SECONDS, megabytes: int = MEGABYTES) -> None:
    """`each` for a single piece of work; its error is raised."""
    (error,) = each(lambda _: work(), [None], remedy, seconds, megabytes)
    if error is not None:
        raise error


def _child(
    work: Callable[[Item], None], items: list[Item], remedy: str, seconds: float, megabytes: int
) -> Iterator[InputError | None]:
    """The errors of the items that one child gets through; the last one may be its own end."""
    at("")
    receiving, sending = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        os.close(receiving)
        _work(work, items, sending, seconds, megabytes)
    os.close(sending)
    try:
        with open(receiving, "rb", buffering=0) as answers:  # a buffer would hide lines from select
            for _ in items:
                ready = select.select([answers], [], [], seconds)[0]
                line = answers.readline() if ready else b""
                if not line.endswith(b"\n"):
                    yield _end(child, bool(ready), remedy, seconds, megabytes)
                    return
                error = json.loads(line)
                yield None if error is None else InputError(*error)
    finally:
        _stop(child)


def _work(work: Callable[[Item], None], items: list[Item], sending: int, seconds: float, megabytes: int) -> None:
    """What the child does; it never returns."""
    status = 1
    try:
        _limit(resource.RLIMIT_DATA, _data_bytes() + megabytes * 1_000_000)
        _limit(resource.RLIMIT_CORE, 0)
        faulthandler.disable()  # should the reader crash, the error says enough
        with suppress(AttributeError):  # Linux: the child ends with its parent
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        for item in items:
            _limit(resource.RLIMIT_CPU, int(time.process_time() + seconds) + 5)  # elsewhere this does
            answer = None
            try:
                work(item)
            except InputError as error:
                answer = [error.where, error.what, error.remedy]
            os.write(sending, json.dumps(answer).encode() + b"\n")
        status = 0
    except MemoryError:
        os.kill(os.getpid(), signal.SIGKILL)  # as the reader's own code ends when memory fails
    except BaseException:
        traceback.print_exc()
    finally:
        with suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def _limit(kind: int, value: int) -> None:
    hard = resource.getrlimit(kind)[1]
    soft = value if hard == resource.RLIM_INFINITY else min(value, hard)
    with suppress(ValueError, OSError):  # macOS refuses some
        resource.setrlimit(kind, (soft, hard))


def _data_bytes() -> int:
    """What the process holds already of what RLIMIT_DATA counts; 0 where the system does not say."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[5]) * resource.getpagesize()
    except OSError:
        return 0


def _end(child: int, over: bool, remedy: str, seconds: float, megabytes: int) -> InputError:
    """Why the child gave no answer: `over` says that it ended, else it was still at work."""
    if not over:
        what = f"it takes more than {seconds:.0f} s to read"
    else:
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if status >= 0:
            raise RuntimeError("the work failed; its traceback stands above")
        what = f"it takes more than {megabytes} MB to read, or breaks the reader ({signal.Signals(-status).name})"
    where = _place[:].split(b"\0", 1)[0].decode(errors="replace")
    return InputError(where or "a file", what, remedy)


def _stop(child: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
    with suppress(ChildProcessError):
        os.waitpid(child, 0)
