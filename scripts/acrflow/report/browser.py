"""What the report's example browser holds: every row of every split with all answers, and the studies they cite."""

import base64
import gzip
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from acrflow.config.evidence import EvidenceKind
from acrflow.tasks import appropriateness
from acrflow.tasks.task import Task

Retrieved = Mapping[str, Sequence[Mapping[str, Any]]]

MODALITIES = (  # the first that a procedure's name holds
    ("PET", r"\bPET\b"),
    ("SPECT or scintigraphy", r"\bSPECT|scintigraph|\bnuclear|\bscan\b(?=.*(?:Tc-?99m|gallium|leukocyte|bone))"),
    ("CT angiography", r"\bCTA\b|\bCTV\b"),
    ("MR angiography", r"\bMRA\b|\bMRV\b"),
    ("MRI", r"\bMRI?\b|\bMRCP\b|\bMR\b"),
    ("CT", r"\bCT\b|tomography"),
    ("Mammography", r"mammograph|tomosynthesis"),
    ("Ultrasound", r"\bUS\b|ultraso|echocardiograph|sonograph"),
    ("Fluoroscopy", r"fluoroscop|barium|\bBE\b|esophagram|swallow|cystourethrograph|upper GI"),
    ("Radiography", r"radiograph|x-?ray|\bDXA\b"),
    ("Arteriography", r"arteriograph|angiograph|venograph|catheter"),
    ("Biopsy or intervention", r"biops|aspirat|drainage|emboli|ablation|inject|stent|arthrocentesis"),
)
_MODALITIES = [
    (name, re.compile(pattern, re.NOFLAG if name in ("PET", "CT", "MRI") else re.IGNORECASE))
    for name, pattern in MODALITIES
]
PROCEDURE = "procedure"  # the field whose modality is told
STATES = (
    "in a prompt",
    "no room in any prompt",
    "not cited by a row",
    "retracted",
    "no abstract",
    "no record",
    "no PMID",
)


def modality(procedure: str) -> str:
    """The kind of procedure that a name tells: CT, MRI, ..., or "Other"."""
    return next((name for name, pattern in _MODALITIES if pattern.search(procedure)), "Other")


def wrong(
    rows: Mapping[str, pl.DataFrame], predictions: Sequence[pl.DataFrame], task: Task = appropriateness.TASK
) -> pl.DataFrame:
    """Wrong answers of each model by label, modality (of a procedure) and topic: model, split, by, group, rows, wrong.

    Args:
        rows: split -> `schemas.dataset.rows_table`.
        predictions: `schemas.inference.Predictions`, greedy; a row without one counts as wrong.
    """
    found, procedures = [], PROCEDURE in task.fields
    for table in predictions:
        if table.is_empty():
            continue
        model, split = table["model"][0], table["split"][0]
        joined = (
            rows[split]
            .join(table.select("id", "label"), on="id", how="left")
            .select(
                pl.col("label").ne_missing(pl.col(task.gold)).alias("missed"),
                pl.col(task.gold).alias("label"),
                *(
                    [pl.col(PROCEDURE).map_elements(modality, return_dtype=pl.String).alias("modality")]
                    if procedures
                    else []
                ),
                pl.col(task.heading).alias("topic"),
            )
        )
        for by in joined.columns[1:]:
            grouped = joined.group_by(group=by).agg(rows=pl.len(), wrong=pl.col("missed").sum()).sort("group")
            found.append(grouped.select(pl.lit(model).alias("model"), pl.lit(split).alias("split"),
                                        pl.lit(by).alias("by"), "group", "rows", "wrong"))  # fmt: skip
    return pl.concat(found) if found else pl.DataFrame()


def contents(
    rows: Mapping[str, pl.DataFrame],
    predictions: Sequence[pl.DataFrame],
    studies: pl.DataFrame,
    read: Mapping[str, EvidenceKind],
    retrieved: Retrieved,
    linked: bool,
    task: Task = appropriateness.TASK,
) -> dict[str, Any]:
    """Everything that the browser shows, as plain values.

    Args:
        rows: split -> `schemas.dataset.rows_table`.
        predictions: of the models to show, greedy (`schemas.inference.Predictions`).
        studies: the condensed abstracts (`schemas.evidence.Condensed`), for titles.
        read: model -> the evidence that its prompts hold; one that is not here reads none.
        retrieved: row -> its retrieved studies, {number, pmid, text}.
        linked: whether PMIDs are PubMed's, and worth a link.
    """
    models = list(dict.fromkeys(table["model"][0] for table in predictions if table.height))
    answers: dict[str, dict[str, list[Any]]] = {}
    for table in predictions:
        for record in table.select("id", "model", "label", "completion", "probabilities").to_dicts():
            place = task.labels.index(record["label"]) if record["label"] else -1
            shares = [round(share, 3) for share in record["probabilities"] or []]
            answers.setdefault(record["id"], {})[record["model"]] = [place, record["completion"], shares]
    titles = {pmid: [title, year] for pmid, title, year in studies.select("pmid", "title", "year").iter_rows()}
    texts: dict[str, list[Any]] = {}
    items = []
    for split, table in rows.items():
        for row in table.to_dicts():
            shown = {"acr": row["evidence"] or [], "retrieved": retrieved.get(row["id"], [])}
            for study in [*shown["acr"], *shown["retrieved"]]:
                texts[str(study["pmid"])] = [*titles.get(study["pmid"], [None, None]), study["text"]]
            items.append(
                {
                    "id": row["id"],
                    "split": split,
                    "topic": row[task.heading],
                    "variant": row[task.scenario],
                    "procedure": row[task.fields[-1]],
                    "modality": modality(row[PROCEDURE]) if PROCEDURE in task.fields else "",
                    "label": task.labels.index(row[task.gold]),
                    "rating": row.get("rating"),
                    "votes": row[task.votes] if task.votes else None,
                    "traces": row["traces"],
                    "evidence": {
                        kind: [[study["number"], str(study["pmid"])] for study in one] for kind, one in shown.items()
                    },
                    "left_out": row["evidence_left_out"],
                    "answers": answers.get(row["id"], {}),
                }
            )
    return {
        "labels": [*task.labels],
        "short": [*map(task.spelled, task.labels)],
        "judge": "Panel" if task.votes else "Gold",  # who gave the right label
        "models": models,
        "read": dict(read),
        "rows": items,
        "studies": texts,
        "linked": linked,
    }


def packed(contents: dict[str, Any]) -> str:
    """Compressed JSON as base64: the paper's 780 rows with six completions each would be 8 MB of text."""
    text = json.dumps(contents, ensure_ascii=False, separators=(",", ":"))
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


def coverage(pmids: pl.DataFrame, condensed: pl.DataFrame, rows: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """What became of each topic's references: topic, state, references, place (the order of the states).

    Args:
        pmids: every cited reference (`schemas.evidence.Pmids`).
        condensed: `schemas.evidence.Condensed`.
        rows: all splits; evidence that a row shows, or had no room for.
    """
    cited = pl.concat([table.select("topic", "evidence", "evidence_left_out") for table in rows]).to_dicts()
    shown = {(row["topic"], study["number"]) for row in cited for study in row["evidence"] or []}
    crowded = {(row["topic"], number) for row in cited for number in row["evidence_left_out"] or []}
    dropped = dict(condensed.select("pmid", "dropped").iter_rows())
    counts: dict[tuple[str, str], int] = {}
    for topic, number, pmid in pmids.select("topic", "number", "pmid").iter_rows():
        if pmid is None:
            state = "no PMID"
        elif dropped.get(pmid, "no record"):
            state = dropped.get(pmid, "no record")
        elif (topic, number) in shown:
            state = "in a prompt"
        else:
            state = "no room in any prompt" if (topic, number) in crowded else "not cited by a row"
        counts[topic, state] = counts.get((topic, state), 0) + 1
    values = [
        {"topic": topic, "state": state, "references": count, "place": STATES.index(state)}
        for (topic, state), count in sorted(counts.items(), key=lambda item: (item[0][0], STATES.index(item[0][1])))
    ]
    integers = dict.fromkeys(("references", "place"), pl.Int64)
    return pl.DataFrame(values, schema={"topic": pl.String, "state": pl.String, **integers})
