"""What is wrong with a configuration, in words."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError


def problems(error: ValidationError) -> str:
    """Each problem as `key: message`."""
    return "; ".join(_problem(problem) for problem in error.errors())


def _problem(problem: Any) -> str:
    key = ".".join(str(part) for part in problem["loc"] if part != "[key]")
    message = {"extra_forbidden": "unknown key", "missing": "this key is missing"}.get(
        problem["type"], problem["msg"].removeprefix("Value error, ")
    )
    return f"{key}: {message}" if key else message


Share = Annotated[float, Field(gt=0, lt=1)]


Positive = Annotated[int, Field(gt=0)]


class Section(BaseModel):
    """A part of the configuration: a key it does not know is an error, and once read it stays as it is."""

    model_config = ConfigDict(extra="forbid", frozen=True)


NAME = r"^[a-z][a-z0-9_]*$"
