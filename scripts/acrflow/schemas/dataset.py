# mypy: disable-error-code="valid-type"
# (pandera reads `pl.List(pl.Int64)` as a column type, which mypy takes for a call in an annotation)
"""Tables of the room `dataset`."""

from functools import cache
from typing import Any

import pandera.polars as pa
import polars as pl

from acrflow.schemas import Table
from acrflow.tasks import appropriateness
from acrflow.tasks.task import Column, Task

KINDS: dict[str, Any] = {  # of `tasks.task.Column`
    "text": str,
    "integer": int,
    "number": float,
    "integers": pl.List(pl.Int64),
    "numbers": pl.List(pl.Float64),
}

EVIDENCE = pl.Struct({"number": pl.Int64, "pmid": pl.Int64, "text": pl.String})


MESSAGE = pl.Struct({"role": pl.String, "content": pl.String})


class Traces(Table):
    """The reasoning of a row as one-fact sentences, in the document's order."""

    id: str  # the row's id
    position: int = pa.Field(ge=0)
    trace: str
    citations: pl.List(pl.Int64)


@cache
def rows_table(task: Task) -> type[Table]:
    """A split of the dataset: a task's labelled rows with gold traces and selected evidence."""
    return _table(
        "Rows",
        task,
        id=(str, pa.Field(unique=True)),
        topic=(str, pa.Field()),
        **{name: _column(task, name, column) for name, column in task.columns().items()},
        traces=(pl.List(pl.String), pa.Field()),  # gold reasoning, each sentence with its [n]
        evidence=(pl.List(EVIDENCE), pa.Field()),  # condensed abstracts that fit the token budget, in ACR's order
        evidence_left_out=(pl.List(pl.Int64), pa.Field()),  # reference numbers that did not fit
    )


@cache
def examples_table(task: Task) -> type[Table]:
    """Rendered prompts of a split, with the gold columns that the rewards need."""
    columns = task.columns()
    return _table(
        "Examples",
        task,
        id=(str, pa.Field(unique=True)),
        messages=(pl.List(MESSAGE), pa.Field()),  # system, user
        completion=(str, pa.Field()),  # the gold completion: what SFT trains on
        **{task.gold: _column(task, task.gold, columns[task.gold])},
        traces=(pl.List(pl.String), pa.Field()),
        references=(pl.List(pl.Int64), pa.Field()),  # reference numbers shown in the prompt
        **({task.votes: _column(task, task.votes, columns[task.votes])} if task.votes else {}),
        prompt_tokens=(int, pa.Field()),
        prompt_hash=(str, pa.Field()),
    )


def _column(task: Task, name: str, column: Column) -> tuple[Any, Any]:
    """The column's type, and its check: gold is one of the task's labels."""
    labels = list(task.labels) if name == task.gold else None
    return KINDS[column.kind], pa.Field(nullable=column.nullable, isin=labels)


def _table(name: str, task: Task, **columns: tuple[Any, Any]) -> type[Table]:
    """A table of these columns, each a type and a `pa.Field`, in this order."""
    types = {column: kind for column, (kind, _) in columns.items()}
    fields = {column: field for column, (_, field) in columns.items()}
    about = {"__doc__": f"{name} of the task {task.name}.", "__module__": __name__, "__annotations__": types}
    return type(name, (Table,), about | fields)


Rows, Examples = rows_table(appropriateness.TASK), examples_table(appropriateness.TASK)
