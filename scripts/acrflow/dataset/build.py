"""From a guideline's rated rows, traces and studies to labelled rows of the task appropriateness, with evidence."""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from typing import Any, Literal

import polars as pl

from acrflow import schemas
from acrflow.evidence.select import Study, select
from acrflow.io.errors import InputError
from acrflow.io.ledger import Ledger
from acrflow.schemas.dataset import Rows
from acrflow.tasks import appropriateness
from acrflow.tasks.appropriateness import DISAGREEMENT, MBA
from acrflow.tasks.prompts import evidence_block

Studies = dict[str, dict[int, Study]]  # topic -> reference number -> study with a text


def label_rows(guidelines: pl.DataFrame, disagreement: Literal["drop", "keep"], ledger: Ledger) -> pl.DataFrame:
    """The rows that have a label, each key once.

    Args:
        guidelines: `schemas.guideline.Guidelines`.
        disagreement: "drop" leaves out rows rated Disagreement, as the paper; "keep" takes them as May Be Appropriate.
        ledger: gets what is left out.

    Returns:
        The same columns; `appropriateness` is one of the task's labels. Where one topic rates a procedure twice for the
        same variant, case and white space aside, the first row stands.

    Raises:
        InputError: a row without variant or procedure, or a key rated twice with two labels.
    """
    task = appropriateness.TASK
    kept: dict[tuple[str, ...], dict[str, Any]] = {}
    for row in guidelines.iter_rows(named=True):
        ledger.taken += 1
        name = task.row_name(row)
        if row["appropriateness"] == DISAGREEMENT:
            if disagreement == "drop":
                ledger.leave_out("disagreement", name)
                continue
            row["appropriateness"] = MBA
        key = tuple(" ".join(row[column].split()).casefold() for column in ("topic", "variant", "procedure"))
        if not all(key):
            raise InputError(name, f"row {row['id']} has no variant or no procedure", "mend the topic's document")
        first = kept.setdefault(key, row)
        if first["appropriateness"] != row["appropriateness"]:
            what = f"rated {row['appropriateness']}, but {first['appropriateness']} in {task.row_name(first)}"
            raise InputError(name, what, f"rows {first['id']} and {row['id']} have one key; mend the topic's document")
        if first is not row:
            ledger.leave_out("duplicate", f"{name}, the same as {task.row_name(first)}")
    ledger.kept = len(kept)
    return pl.DataFrame(list(kept.values()), schema=guidelines.schema)


def gather_studies(pmids: pl.DataFrame, condensed: pl.DataFrame) -> tuple[Studies, dict[str, dict[int, str]]]:
    """The cited studies that have a text, and why the others have none.

    Args:
        pmids: every cited reference (`schemas.evidence.Pmids`).
        condensed: every requested study (`schemas.evidence.Condensed`).

    Returns:
        The studies by topic and number, and by topic and number the reason of each reference without a text:
        "no PMID", "no record", "no abstract" or "retracted".
    """
    texts = {row["pmid"]: row for row in condensed.iter_rows(named=True)}
    studies: Studies = defaultdict(dict)
    missing: dict[str, dict[int, str]] = defaultdict(dict)
    for reference in pmids.iter_rows(named=True):
        topic, number, pmid = reference["topic"], reference["number"], reference["pmid"]
        if pmid is None:
            missing[topic][number] = "no PMID"
        elif pmid not in texts:
            missing[topic][number] = "no record"
        elif not texts[pmid]["text"]:
            missing[topic][number] = texts[pmid]["dropped"] or "no abstract"
        else:
            studies[topic][number] = Study(number, pmid, texts[pmid]["text"], reference["study_quality"])
    return dict(studies), dict(missing)


def study_lines(studies: Studies) -> Iterable[str]:
    """The line of each study in an evidence block."""
    for topic in studies.values():
        for study in topic.values():
            yield evidence_block([{"number": study.number, "text": study.text}])


def complete_rows(
    rows: pl.DataFrame, traces: pl.DataFrame, studies: Studies, budget: int, count_tokens: Callable[[str], int]
) -> pl.DataFrame:
    """Give labelled rows their gold traces and their evidence.

    A row without reasoning keeps its place with no traces: its label still trains and tests. The rewards that compare
    reasoning leave such a row out of account.

    Args:
        rows: labelled rows (`label_rows`).
        traces: `schemas.dataset.Traces`.
        studies: the studies that have a text.
        budget: tokens of a row's evidence block.
        count_tokens: tokens of a line "[n] text".

    Returns:
        `schemas.dataset.Rows`.
    """
    by_id: dict[str, list[str]] = defaultdict(list)
    for row_id, trace in traces.sort("id", "position").select("id", "trace").iter_rows():
        by_id[row_id].append(trace)
    selections = [
        select(references, studies.get(topic, {}), budget, count_tokens)
        for topic, references in rows.select("topic", "references").iter_rows()
    ]
    schema = schemas.polars_schema(Rows)
    soft = soft_labels(rows["votes"])
    return rows.with_columns(
        pl.Series("soft_label", soft, dtype=schema["soft_label"]),
        pl.Series("label_entropy", [entropy(one) for one in soft], dtype=schema["label_entropy"]),
        pl.Series("traces", [by_id[row_id] for row_id in rows["id"]], dtype=schema["traces"]),
        pl.Series("evidence", [selection.kept for selection in selections], dtype=schema["evidence"]),
        pl.Series("evidence_left_out", [s.left_out for s in selections], dtype=schema["evidence_left_out"]),
    ).select(schema.keys())


def soft_labels(votes: pl.Series) -> list[list[float] | None]:
    """The share of each row's panel that voted for each label (1-3, 4-6, 7-9); None without votes."""
    shares = appropriateness.TASK.vote_shares(votes)
    return [None if math.isnan(one[0]) else [float(share) for share in one] for one in shares]


def entropy(shares: list[float] | None) -> float | None:
    """Entropy of shares in bits: 0 where all agree, log2(3) = 1.58 where three labels have as many votes."""
    return None if shares is None else abs(sum(share * math.log2(share) for share in shares if share))


def reference_facts(cited: pl.DataFrame, rows: pl.DataFrame, missing: dict[str, dict[int, str]]) -> dict[str, Any]:
    """What became of the cited references, for the ledger.

    Args:
        cited: labelled rows with their `references`.
        rows: the same rows with their evidence.
        missing: why references have no text (`gather_studies`).

    Returns:
        References cited, shown in at least one prompt, left out everywhere for want of budget, and without a text by
        topic and reason ("not listed": cited by a row and absent from pmids.parquet).
    """
    keys = set(cited.select("topic", "references").explode("references").drop_nulls().iter_rows())
    shown = {
        (topic, study["number"]) for topic, studies in rows.select("topic", "evidence").iter_rows() for study in studies
    }
    left_out = (
        set(rows.select("topic", "evidence_left_out").explode("evidence_left_out").drop_nulls().iter_rows()) - shown
    )
    reasons: dict[str, Counter[str]] = defaultdict(Counter)
    for topic, number in sorted(keys - shown - left_out):
        reasons[topic][missing.get(topic, {}).get(number, "not listed")] += 1
    return {
        "cited": len(keys),
        "shown": len(shown),
        "over_budget": len(left_out),
        "without_text": sum(sum(counts.values()) for counts in reasons.values()),
        "without_text_by_topic": {topic: dict(sorted(counts.items())) for topic, counts in reasons.items()},
    }
