"""The dataset's card: its content, what was left out, what leaks, what baselines reach, and on which terms."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import altair as alt
import numpy as np
import polars as pl
from jinja2 import Environment, StrictUndefined

from acrflow.dataset.leaks import label_counts
from acrflow.evaluation import metrics, published
from acrflow.io.files import sha256
from acrflow.tasks import appropriateness
from acrflow.tasks.task import Task

TEMPLATE = Path(__file__).with_name("templates") / "dataset_card.md.j2"
COLOURS = ("#a33a5a", "#8a6d00", "#2f7d4f", "#0b5f8a", "#7a4a9e", "#b3541e", "#3f6f73", "#6b6f75")  # of the labels


@dataclass(frozen=True)
class Facts:
    """What the card tells.

    Attributes:
        splits: name -> rows (`schemas.dataset.Rows`).
        examples: "prompt, split" -> rendered examples (`schemas.dataset.Examples`).
        leaks: from `leaks.report`.
        ledgers: of all steps up to the examples, in their order, as plain values.
        baselines: `schemas.evaluation.SplitFigures`.
        settings: what the dataset was made with, for the reader.
        sources: the files that it was made from: documents, tables, the records of the studies.
        task: what the rows ask.
    """

    splits: dict[str, pl.DataFrame]
    examples: dict[str, pl.DataFrame]
    leaks: dict[str, Any]
    ledgers: Sequence[dict[str, Any]]
    baselines: pl.DataFrame
    settings: dict[str, Any]
    sources: Sequence[Path]
    task: Task = appropriateness.TASK


def write_card(facts: Facts) -> str:
    """The card as Markdown; its charts are the files `charts` makes, in the folder `figures` beside it."""
    environment = Environment(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True)
    built = next(ledger for ledger in facts.ledgers if ledger["step"] == "build_dataset")
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        labels=facts.task.labels,
        facts=facts,
        splits=[_summary(name, rows, facts.task) for name, rows in facts.splits.items()],
        published=_beside_the_published(facts.splits) if facts.task.name == published.TASK else [],
        references=built["facts"]["references"],
        lengths=[_lengths(name, table["prompt_tokens"]) for name, table in facts.examples.items() if len(table)],
        panel=[
            _panel(name, rows, facts.task)
            for name, rows in facts.splits.items()
            if facts.task.votes and rows[facts.task.votes].count()
        ],
        most_entropy=math.log2(len(facts.task.labels)),
        baselines=_baselines(facts.baselines),
        sources={str(source): sha256(source) for source in facts.sources},
    )


def _summary(name: str, rows: pl.DataFrame, task: Task) -> dict[str, Any]:
    return {
        "name": name,
        "topics": rows["topic"].n_unique(),
        "variants": rows.select("topic", task.scenario).n_unique(),
        "rows": len(rows),
        "labels": list(label_counts(rows, task).values()),
        "reasoned": rows.filter(pl.col("traces").list.len() > 0).height,
        "evidenced": rows.filter(pl.col("evidence").list.len() > 0).height,
    }


def _beside_the_published(splits: dict[str, pl.DataFrame]) -> list[dict[str, Any]]:
    """Rows by label, ours and the paper's; empty where the run does not hold out the paper's topics."""
    held_out = splits.get("generalization")
    if held_out is None or set(held_out["topic"]) != published.HELD_OUT:
        return []
    parts = {"train and test": ("train", "test"), "generalization": ("generalization",)}
    return [
        {"name": name, "ours": ours, "theirs": published.ROWS[name]}
        for name, members in parts.items()
        for ours in [list(label_counts(pl.concat([splits[member] for member in members])).values())]
    ]


def _lengths(name: str, tokens: pl.Series) -> dict[str, Any]:
    return {
        "name": name,
        "examples": len(tokens),
        **{key: int(tokens.quantile(at) or 0) for key, at in (("median", 0.5), ("p95", 0.95))},
        "longest": tokens.max(),
    }


def _panel(name: str, rows: pl.DataFrame, task: Task) -> dict[str, Any]:
    """How well one panelist drawn at random would do, and how much of one mind the panel is."""
    figures = metrics.measure(metrics.panel(rows, task), 1000, 0)["figures"]
    votes = rows[task.votes or ""]
    shares = task.vote_shares(votes.drop_nulls())
    bits = -(shares * np.log2(shares, where=shares > 0, out=np.zeros_like(shares))).sum(axis=1)
    return {
        "name": name,
        "rows": votes.count(),
        "entropy": abs(np.nanmean(bits)),
        **{figure: figures[figure] for figure in ("macro_f1", "accuracy")},
    }


def _baselines(figures: pl.DataFrame) -> list[dict[str, Any]]:
    """One line per way of splitting, part and baseline, with macro and weighted F1 and their intervals."""
    lines: dict[tuple[str, str, str], dict[str, Any]] = {}
    for row in figures.iter_rows(named=True):
        line = lines.setdefault((row["split_by"], row["split"], row["model"]), row)
        line[row["metric"]] = {key: row[key] for key in ("value", "low", "high")}
    return list(lines.values())


def charts(facts: Facts) -> dict[str, alt.Chart]:
    """Name -> chart: labels of each split, prompt lengths, and the baselines on every way of splitting."""
    labels = pl.DataFrame(
        [
            {"split": name, "label": label, "rows": count}
            for name, rows in facts.splits.items()
            for label, count in label_counts(rows, facts.task).items()
        ]
    )
    lengths = [table.select("prompt_tokens", prompt=pl.lit(name)) for name, table in facts.examples.items()]
    scored = facts.baselines.filter(metric="macro_f1").with_columns(part=pl.format("{}: {}", "split_by", "split"))
    labels_of = facts.task.labels
    scale = alt.Scale(domain=[*labels_of], range=[*COLOURS[: len(labels_of)]])
    beside = alt.Header(labelAngle=0, labelAlign="left", title=None)
    model = alt.Y("model", sort=None, title=None)
    return {
        "labels": alt.Chart(labels, title="Rows by label")
        .mark_bar()
        .encode(
            x=alt.X("rows", stack="normalize", title="share of the rows"),
            y=alt.Y("split", sort=None, title=None),
            color=alt.Color("label", scale=scale, title=None),
        ),
        "prompt_tokens": alt.Chart(pl.concat(lengths), title="Length of the prompts")
        .mark_bar()
        .encode(
            x=alt.X("prompt_tokens", bin=alt.Bin(maxbins=40), title="tokens"),
            y=alt.Y("count()", title="examples"),
            row=alt.Row("prompt", sort=None, header=beside),
        )
        .properties(height=60),
        "baselines": alt.layer(
            alt.Chart().mark_rule().encode(x=alt.X("low", title="macro F1, with 95 % interval"), x2="high", y=model),
            alt.Chart().mark_point(filled=True, opacity=1).encode(x="value", y=model),
            data=scored,
        ).facet(row=alt.Row("part", sort=None, header=beside), title="The baselines, by split and part"),
    }


def croissant(name: str, files: dict[str, Path], schema: dict[str, pl.DataType]) -> dict[str, Any]:
    """The dataset in Croissant 1.0 (mlcommons.org/croissant), so that tools find its files and columns.

    Args:
        files: split -> Parquet file, all in one folder, which the metadata lies in as well.
        schema: the columns that all of them have.
    """
    kinds = {pl.String: "sc:Text", pl.Int64: "sc:Integer", pl.Float64: "sc:Float", pl.Boolean: "sc:Boolean"}
    return {
        "@context": {
            "@language": "en",
            "@vocab": "https://schema.org/",
            "sc": "https://schema.org/",
            "cr": "http://mlcommons.org/croissant/",
            "dct": "http://purl.org/dc/terms/",
            "conformsTo": "dct:conformsTo",
            "recordSet": "cr:recordSet",
            "field": "cr:field",
            "source": "cr:source",
            "fileObject": "cr:fileObject",
            "extract": "cr:extract",
            "column": "cr:column",
            "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
            "repeated": "cr:repeated",
        },
        "@type": "sc:Dataset",
        "name": name,
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "description": "Condition x variant x procedure with the guideline's label, its reasoning and its evidence.",
        "license": "Guideline text is the user's own copy, under its publisher's terms; not redistributed.",
        "url": "https://github.com/acrflow/acrflow",
        "version": "1.0.0",
        "distribution": [
            {
                "@type": "cr:FileObject",
                "@id": split,
                "name": path.name,
                "contentUrl": path.name,
                "encodingFormat": "application/x-parquet",
                "sha256": sha256(path),
            }
            for split, path in files.items()
        ],
        "recordSet": [
            {
                "@type": "cr:RecordSet",
                "@id": f"{split}_rows",
                "name": f"{split}_rows",
                "field": [
                    {
                        "@type": "cr:Field",
                        "@id": f"{split}_rows/{column}",
                        "name": column,
                        "dataType": kinds.get(inner_type(kind), "sc:Text"),
                        **({"repeated": True} if kind.base_type() is pl.List else {}),
                        "source": {"fileObject": {"@id": split}, "extract": {"column": column}},
                    }
                    for column, kind in schema.items()
                ],
            }
            for split in files
        ],
    }


def inner_type(kind: Any) -> type[pl.DataType]:
    """The type of a column, or of what its lists hold."""
    base: type[pl.DataType] = kind.inner.base_type() if kind.base_type() is pl.List else kind.base_type()
    return base
