"""One way to tell a user what is wrong: where, what, and what to do about it."""

import sys
from collections.abc import Callable
from pathlib import Path


class InputError(Exception):
    """Something the user supplied cannot be used.

    Args:
        where: the file (with page, row or key) or the configuration key at fault.
        what: what is wrong there.
        remedy: what the user can do about it.
    """

    def __init__(self, where: str | Path, what: str, remedy: str):
        self.where, self.what, self.remedy = str(where), what, remedy
        super().__init__(f"{where}: {what}\n  Remedy: {remedy}")


def run(main: Callable[[], None]) -> None:
    """Run a program's `main`; an `InputError` becomes one message on stderr and exit status 2, with no traceback."""
    try:
        main()
    except InputError as error:
        print(f"ERROR {error}", file=sys.stderr)
        sys.exit(2)
