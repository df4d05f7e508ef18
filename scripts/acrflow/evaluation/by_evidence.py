"""What the evidence is worth: each adapter with its own, with retrieved and without evidence, on the same rows."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from acrflow import schemas
from acrflow.evaluation import metrics, published, tables
from acrflow.evaluation.compare import DIFFERENCES

RETRIEVED = "retrieved"


def effects(
    split: str,
    model: str,
    own: str,
    answers: Mapping[str, metrics.Tally],
    shown: Mapping[str, int],
    draws: int,
    seed: int,
) -> list[dict[str, Any]]:
    """The figures of one adapter on one split, a row per evidence (`schemas.EvidenceEffects`).

    Args:
        split, model: where, and which adapter.
        own: the evidence it was trained with.
        answers: its answers by evidence, `own` among them.
        shown: by evidence, the rows whose prompt holds a study.
        draws, seed: of the bootstrap; both sides of a change are drawn with the same seed, and so in pairs.
    """
    from statsmodels.stats.contingency_tables import mcnemar

    drawn = {
        kind: (metrics.drawn(one.lines, draws, seed), metrics.drawn(one.by_topic(), draws, seed))
        for kind, one in answers.items()
    }
    reference, right = metrics.figures(answers[own].lines.sum(axis=0)), answers[own].right()
    found = []
    for kind, one in answers.items():
        values, correct = metrics.figures(one.lines.sum(axis=0)), one.right()
        table = [
            [int((correct & right).sum()), int((correct & ~right).sum())],
            [int((~correct & right).sum()), int((~correct & ~right).sum())],
        ]
        row: dict[str, Any] = {"split": split, "model": model, "evidence": kind, "own": kind == own, "rows": len(right)}
        row |= {
            "shown": shown[kind],
            "unparsed": float(values["unparsed"]),
            "p": float(mcnemar(table, exact=True).pvalue),
        }
        for metric in DIFFERENCES:
            row[metric] = float(values[metric])
            row[f"{metric}_published"] = _published(model, split, kind, metric)
            over_rows, over_topics = drawn[kind]
            if over_rows:
                row[f"{metric}_low"], row[f"{metric}_high"] = metrics.limits(over_rows[metric])
            if kind == own:
                continue
            row[f"{metric}_change"] = float(values[metric] - reference[metric])
            for way, mine, theirs in (("", over_rows, drawn[own][0]), ("_topic", over_topics, drawn[own][1])):
                if mine:
                    low, high = metrics.limits(mine[metric] - theirs[metric])
                    row |= {f"{metric}_change{way}_low": low, f"{metric}_change{way}_high": high}
        found.append(row)
    return found


def for_readers(effects: pl.DataFrame, split: str, same_task: bool) -> tables.Table:
    """One split's figures for readers: a line per adapter and evidence, with changes and the published figures."""
    heads, rows = ["Model", "Evidence", "Rows with a study"], []
    for metric in DIFFERENCES:
        name = tables.METRICS[metric].heading
        heads += [name, f"{name}, change", f"{name}, paper"]
    own = effects.filter(split=split)
    for row in own.iter_rows(named=True):
        cells = [row["model"], row["evidence"] + (" (trained with)" if row["own"] else ""), str(row["shown"])]
        for metric in DIFFERENCES:
            for figure in (metric, f"{metric}_change"):
                text = tables.written(metric, row[figure])
                if row[figure] is not None and row[f"{figure}_low"] is not None:
                    limits = (tables.written(metric, row[f"{figure}_{end}"]) for end in ("low", "high"))
                    text += f" [{', '.join(limits)}]"
                cells.append(text)
            cells.append(tables.written(metric, row[f"{metric}_published"]))
        rows.append(cells)
    most = max(own["rows"], default=0)
    notes = [
        f"{most} rows; shares in percent, changes in points from the evidence that the adapter was trained with; 95 % "
        "bootstrap intervals over rows, those of changes paired.",
        f"Columns “paper”: printed in {tables.SOURCE}{'' if same_task else '; ' + tables.OTHER_TASK}.",
    ]
    return tables.Table(f"Answers on {split} with other evidence", heads, rows, notes)


def _published(model: str, split: str, evidence: str, metric: str) -> float | None:
    """The paper's figure for this adapter with this evidence; it prints retrieved evidence for one split."""
    if evidence == RETRIEVED:
        return published.figure(model, "adapter", f"{split}_{RETRIEVED}", metric)
    return published.figure(model, "adapter", split, metric) if evidence == "acr" else None


def table(rows: list[dict[str, Any]]) -> pl.DataFrame:
    """The rows of all adapters and splits as `schemas.EvidenceEffects`, which leaves out weighted F1 over topics."""
    columns = schemas.polars_schema(schemas.EvidenceEffects)
    return pl.DataFrame([{name: row.get(name) for name in columns} for row in rows], schema=columns)
