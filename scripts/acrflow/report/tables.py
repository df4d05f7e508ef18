"""Tables for readers, as Markdown, LaTeX and CSV: the paper's three, with what it publishes, and all."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from acrflow.evaluation.published import SOURCE, other_systems
from acrflow.tasks import appropriateness
from acrflow.tasks.task import Task


@dataclass(frozen=True)
class Shown:
    """How a metric is written: its heading, what it is multiplied with, its decimals, and whether less is better."""

    heading: str
    scale: float = 100
    decimals: int = 1
    less: bool = False


def metrics_of(task: Task) -> dict[str, Shown]:
    """How the figures of a task's models are written, in the order of every table."""
    return {
        "macro_f1": Shown("Macro F1"),
        "weighted_f1": Shown("Weighted F1"),
        "accuracy": Shown("Accuracy"),
        "balanced_accuracy": Shown("Balanced accuracy"),
        "qwk": Shown("Weighted kappa", 1, 2),
        "unsafe": Shown("Unsafe errors", less=True),
        **{
            name: Shown(f"{task.spelled(gold)} called {task.spelled(said)}", less=True)
            for name, gold, said in task.unsafe
        },
        "unparsed": Shown("Unparsed", less=True),
        "well_formed": Shown("Well-formed"),
        "vote_agreement": Shown("Panel agrees"),
        "ece": Shown("Calibration error", less=True),
        "brier": Shown("Brier score", 1, 2, less=True),
        **{f"f1_{short}": Shown(f"F1 {short.upper()}") for short in task.short},
        "judge": Shown("Judge, of 10", 10, 2),
        "entity_f1": Shown("Entity F1"),
        "alignment": Shown("Alignment"),
        "citation_precision": Shown("Citation precision"),
        "citation_recall": Shown("Citation recall"),
        "unsupported_numbers": Shown("Unsupported numbers", 1, 2, less=True),
        "relative_time": Shown("Relative training time", 1, 2, less=True),
        "tokens": Shown("Tokens", 1, 1, less=True),
        "seconds": Shown("Seconds per case", 1, 3, less=True),
    }


METRICS = metrics_of(appropriateness.TASK)
HEADLINE = ("macro_f1", "weighted_f1", "accuracy", "balanced_accuracy", "qwk", "unsafe", "unparsed")
REASONING = ("judge", "entity_f1", "alignment", "citation_precision", "citation_recall", "unsupported_numbers")
COST = ("relative_time", "tokens", "seconds")
PERFORMANCE = ("macro_f1", "weighted_f1")
BESIDE = ("low", "high", "topic_low", "topic_high", "draws_mean", "draws_sd", "seeds_mean", "seeds_sd", "published")


@dataclass(frozen=True)
class Table:
    """A table for readers: headings, a row of text per model, and notes under it."""

    caption: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str]


def wide(compared: pl.DataFrame, split: str, metrics: Sequence[str]) -> pl.DataFrame:
    """One split with a row a model: value, intervals, sampled runs and published figure of each metric, as columns.

    Metrics that no model has are left out.
    """
    some = compared.filter(pl.col("split") == split, pl.col("metric").is_in(metrics))
    known = set(some.filter(pl.col("value").is_not_null())["metric"])
    rows = []
    for (model, kind), group in some.group_by("model", "kind", maintain_order=True):
        found = {row["metric"]: row for row in group.to_dicts()}
        row: dict[str, Any] = {"model": model, "kind": kind, "rows": group["rows"][0]}
        for metric in metrics:
            if metric not in known:
                continue
            figure = found.get(metric, {})
            row[metric] = figure.get("value")
            for part in BESIDE:
                row[f"{metric}_{part}"] = figure.get(part)
        rows.append(row)
    return pl.DataFrame(rows, infer_schema_length=None)


def shown(frame: pl.DataFrame) -> list[str]:
    """The metrics that a table of `wide` holds, in order."""
    return [column for column in frame.columns if f"{column}_published" in frame.columns]


def more(task: Task) -> tuple[str, ...]:
    """Metrics for those who want to know more: by label, unsafe errors by kind, votes, probabilities, form."""
    return (
        *(f"f1_{short}" for short in task.short),
        *(name for name, *_ in task.unsafe),
        "vote_agreement",
        "ece",
        "brier",
        "well_formed",
    )


def written(metric: str, value: float | None, how: Mapping[str, Shown] = METRICS) -> str:
    """A figure in its reader's unit (`metrics_of`); an en dash for None."""
    return "–" if value is None else f"{float(value) * how[metric].scale:.{how[metric].decimals}f}"


def for_readers(
    frame: pl.DataFrame,
    caption: str,
    split: str = "",
    attached: Collection[str] | None = None,
    how: Mapping[str, Shown] = METRICS,
) -> Table:
    """A table of `wide` for readers, each figure with its interval.

    Where a model is a system of the paper, its published figure has a column after ours; the paper's other systems
    have rows of their own.

    Args:
        split: whose published figures to show.
        attached: the paper's names of the systems that are models of this run; None shows no other systems.
        how: `metrics_of` the task.
    """
    metrics = shown(frame)
    paper = [metric for metric in metrics if frame[f"{metric}_published"].count()]
    others = [] if attached is None else other_systems(attached, split, metrics)
    heads = ["Model", "Kind"]
    for metric in metrics:
        heads += [how[metric].heading, *([f"{how[metric].heading}, paper"] if metric in paper else [])]
    rows = []
    for row in frame.to_dicts():
        cells = [str(row["model"]), str(row["kind"])]
        for metric in metrics:
            text = written(metric, row[metric], how)
            if row[f"{metric}_low"] is not None:
                low, high = (written(metric, row[f"{metric}_{end}"], how) for end in ("low", "high"))
                text += f" [{low}, {high}]"
            cells += [text, *([written(metric, row[f"{metric}_published"], how)] if metric in paper else [])]
        rows.append(cells)
    for row in others:
        cells = [str(row["model"]), "published"]
        for metric in metrics:
            cells += [written(metric, row[metric], how), *(["–"] if metric in paper else [])]
        rows.append(cells)
    most = max((row["rows"] for row in frame.to_dicts()), default=0)
    notes = [f"{most} rows; shares in percent, 95 % bootstrap intervals over rows. Unparsed answers count as wrong."]
    if paper:
        notes.append(f"Columns “paper”: printed in {SOURCE} for the same recipe on the same topics.")
    if others:
        notes.append(f"Rows “paper”: other systems, on other rows; printed in {SOURCE}, unparsed answers left out.")
    return Table(caption, heads, rows, notes)


def markdown(table: Table) -> str:
    """The table as GitHub reads it."""
    lines = [f"**{table.caption}**", "", f"| {' | '.join(table.heads)} |"]
    lines.append(f"| --- | --- |{' ---: |' * (len(table.heads) - 2)}")
    lines += [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in table.rows]
    return "\n".join([*lines, "", *table.notes]) + "\n"


def latex(table: Table) -> str:
    """The table as a LaTeX float with booktabs rules."""
    body = [" & ".join(map(_escaped, row)) + r" \\" for row in table.rows]
    return "\n".join(
        [
            r"\begin{table}",
            rf"\caption{{{_escaped(table.caption)}. {_escaped(' '.join(table.notes))}}}",
            rf"\begin{{tabular}}{{ll{'r' * (len(table.heads) - 2)}}}",
            r"\toprule",
            " & ".join(map(_escaped, table.heads)) + r" \\",
            r"\midrule",
            *body,
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
            "",
        ]
    )


_LATEX = {"\\": r"\textbackslash{}", "–": "--", "“": "``", "”": "''", "~": r"\textasciitilde{}", "^": r"\^{}"}
_LATEX |= {sign: f"\\{sign}" for sign in "&%$#_{}"}


def _escaped(text: str) -> str:
    return "".join(_LATEX.get(character, character) for character in text)
