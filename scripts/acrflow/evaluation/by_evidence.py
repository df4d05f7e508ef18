"""What the evidence is worth: each adapter with its own, with retrieved and without evidence, on the same rows."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from acrflow import schemas
from acrflow.evaluation import metrics, published
from acrflow.evaluation.compare import DIFFERENCES
from acrflow.schemas.evaluation import EvidenceEffects
from acrflow.stats.bootstrap import limits

RETRIEVED = "retrieved"


def effects(
    split: str,
    model: str,
    own: str,
    answers: Mapping[str, metrics.Tally],
    shown: Mapping[str, int],
    draws: int,
    seed: int,
    name: str | None = None,
) -> list[dict[str, Any]]:
    """The figures of one adapter on one split, a row per evidence (`EvidenceEffects`).

    Args:
        split, model: where, and which adapter.
        own: the evidence it was trained with.
        answers: its answers by evidence, `own` among them.
        shown: by evidence, the rows whose prompt holds a study.
        draws, seed: of the bootstrap; both sides of a change are drawn with the same seed, and so in pairs.
        name: the system of the paper that the adapter is, if it is one (`published.published_names`).
    """
    from statsmodels.stats.contingency_tables import mcnemar

    drawn = {kind: (one.drawn(draws, seed), one.drawn(draws, seed, by_topic=True)) for kind, one in answers.items()}
    reference, right = answers[own].figures(), answers[own].right()
    found = []
    for kind, one in answers.items():
        values, correct = one.figures(), one.right()
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
            row[f"{metric}_published"] = _published(name, split, kind, metric)
            over_rows, over_topics = drawn[kind]
            if over_rows:
                row[f"{metric}_low"], row[f"{metric}_high"] = limits(over_rows[metric])
            if kind == own:
                continue
            row[f"{metric}_change"] = float(values[metric] - reference[metric])
            for way, mine, theirs in (("", over_rows, drawn[own][0]), ("_topic", over_topics, drawn[own][1])):
                if mine:
                    low, high = limits(mine[metric] - theirs[metric])
                    row |= {f"{metric}_change{way}_low": low, f"{metric}_change{way}_high": high}
        found.append(row)
    return found


def _published(name: str | None, split: str, evidence: str, metric: str) -> float | None:
    """The paper's figure for its adapter with this evidence; it prints retrieved evidence for one split."""
    if evidence == RETRIEVED:
        return published.figure(name, f"{split}_{RETRIEVED}", metric)
    return published.figure(name, split, metric) if evidence == "acr" else None


def table(rows: list[dict[str, Any]]) -> pl.DataFrame:
    """The rows of all adapters and splits as `EvidenceEffects`, which leaves out weighted F1 over topics."""
    columns = schemas.polars_schema(EvidenceEffects)
    return pl.DataFrame([{name: row.get(name) for name in columns} for row in rows], schema=columns)
