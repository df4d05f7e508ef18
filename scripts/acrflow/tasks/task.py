"""The interface of a task: what it says of itself, and what follows from that."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from acrflow.io.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

GOLD, VOTES = "gold", "votes"  # what a reward calls these columns, whatever a task calls them
WORD = r"\b\w+\b"  # of an input text; scikit-learn's own pattern passes over "type 2", "T 1", "grade B"
SEPARATOR = " | "  # between the fields of an input text


@dataclass(frozen=True)
class Column:
    """What a column of a task's rows holds; `integers` and `numbers` are lists."""

    kind: Literal["text", "integer", "number", "integers", "numbers"] = "text"
    nullable: bool = False


class Task:
    """A question about a row that is answered with one of a few labels.

    A task is a subclass that sets the attributes without a value, and an instance of it named `TASK`:

        class Capitals(Task):
            name, purpose = "capitals", "name a country's capital"
            labels, short = ("Paris", "Rome"), ("paris", "rome")
            fields, gold, scenario = ("country",), "capital", "country"

    Attributes:
        name: of the task.
        purpose: what a model does here, after "to": for readers.
        labels: every answer there is; from the least to the most where they are `ordered`.
        short: the labels in names of figures (`f1_una`), in their order.
        fields: columns that a prompt shows, and must show, as {placeholders}; the last one is what is judged.
        gold: the column of the right label.
        scenario: the column, other than `topic`, that rows have in common and that a split by `variant` keeps together.
        heading: the column that names a row's topic for readers.
        ordered: whether labels lie nearer and farther from each other: weighted kappa, the reward `ordinal_answer`.
        unsafe: the errors that are counted by themselves: name of the figure, gold label, answer.
        votes: the column of a panel's votes (see `vote_counts`); None: nobody voted.
    """

    name: str
    purpose: str
    labels: tuple[str, ...]
    short: tuple[str, ...]
    fields: tuple[str, ...]
    gold: str
    scenario: str
    heading: str = "topic"
    ordered: bool = False
    unsafe: tuple[tuple[str, str, str], ...] = ()
    votes: str | None = None

    def columns(self) -> dict[str, Column]:
        """The task's own columns of `schemas.dataset.rows_table`, in order."""
        return dict.fromkeys((*self.fields, self.gold), Column())

    def make_rows(self, rows: "pl.DataFrame") -> "pl.DataFrame":
        """The task's rows (`schemas.dataset.rows_table`), made from a guideline's.

        Args:
            rows: those of the task appropriateness: labelled, with traces and evidence (`schemas.dataset.Rows`).

        Raises:
            InputError: the task does not say how.
        """
        remedy = f"write make_rows in {type(self).__module__}, or hand the task's own table to render_examples"
        raise InputError(f"task {self.name}", "it makes no rows of a guideline's", remedy)

    def parse_label(self, text: str) -> str | None:
        """The label that the whole of `text` spells, whatever its case and white space; None for anything else."""
        spelled = " ".join(text.split()).rstrip(".").casefold()
        return next((label for label in self.labels if label.casefold() == spelled), None)

    def spelled(self, label: str) -> str:
        """The label's short name as readers see it: UNA, MBA, UA."""
        return self.short[self.labels.index(label)].upper()

    def vote_counts(self, votes: Sequence[int] | None) -> tuple[int, ...]:
        """A row's votes as votes for each label; zeros for None. As they stand, unless a task counts otherwise."""
        return tuple(votes) if votes is not None else (0,) * len(self.labels)

    def vote_shares(self, votes: "Sequence[Sequence[int] | None] | pl.Series") -> "np.ndarray":
        """Share of each row's panel that voted for each label, shape (rows, labels); NaN where there are no votes."""
        import numpy as np

        counts = np.array([self.vote_counts(one) for one in votes], dtype=float).reshape(len(votes), len(self.labels))
        totals = counts.sum(axis=1, keepdims=True)
        return np.divide(counts, totals, out=np.full_like(counts, np.nan), where=totals > 0)

    def input_texts(self, rows: "pl.DataFrame") -> list[str]:
        """What each row asks, as one line ("condition | variant | procedure"), for baselines and the leak report."""
        return [SEPARATOR.join(values) for values in rows.select(self.fields).iter_rows()]

    def row_name(self, row: Mapping[str, Any]) -> str:
        """A row's name for a reader."""
        return f"{row['topic']}: {row[self.scenario]}, {row[self.fields[-1]]}"

    def column(self, role: str) -> str:
        """The column that a reward calls `gold` or `votes`; any other name is a column's own.

        Raises:
            InputError: votes, and this task has none.
        """
        if role == VOTES and self.votes is None:
            raise InputError(f"task {self.name}", "it has no votes", "take a reward that compares with the gold label")
        return {GOLD: self.gold, VOTES: self.votes or ""}.get(role, role)
