"""What is wrong with a configuration, in words."""

from typing import Any

from pydantic import ValidationError


def problems(error: ValidationError) -> str:
    """Each problem as `key: message`."""
    return "; ".join(_problem(problem) for problem in error.errors())


def _problem(problem: Any) -> str:
    key = ".".join(str(part) for part in problem["loc"] if part != "[key]")
    message = {"extra_forbidden": "unknown key", "missing": "this key is missing"}.get(
        problem["type"], problem["msg"].removeprefix("Value error, ")
    )
    return f"{key}: {message}" if key else message
