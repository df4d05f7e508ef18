"""The report: everything a reader needs to judge a run, gathered for one self-contained page."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import polars as pl
from markdown_it import MarkdownIt

from acrflow import schemas
from acrflow.errors import InputError
from acrflow.evaluation import compare
from acrflow.evaluation.figures import Figure, all_figures, quarters
from acrflow.evaluation.published import SOURCE
from acrflow.files import read_json
from acrflow.labels import LABELS

TEMPLATES = Path(__file__).parent / "templates"
SHOWN_PER_LABEL = 1  # example rows per split and gold label


@dataclass(frozen=True)
class Inputs:
    """The files that a report is made from; `configuration` is the resolved one, as plain values."""

    run: str
    configuration: dict[str, Any]
    comparison: Path
    metrics: Sequence[Path]
    adapters: Sequence[Path]
    ledgers: Sequence[Path]
    qa: Sequence[Path]
    leaks: Path
    card: Path
    predictions: Sequence[Path]
    rows: Sequence[Path]
    tables: Path


def build(inputs: Inputs) -> tuple[str, dict[str, Figure]]:
    """The page as HTML and its figures by name.

    Raises:
        InputError: a file is missing or is not what it should be.
    """
    compared = schemas.read(schemas.Comparison, inputs.comparison)
    measured = [_json(path) for path in inputs.metrics]
    adapters = [_adapter(folder) for folder in inputs.adapters]
    predictions = [schemas.read(schemas.Predictions, path) for path in inputs.predictions]
    rows = {path.stem: schemas.read(schemas.Rows, path) for path in inputs.rows}
    figures = all_figures(compared, [(adapter["name"], adapter["log"]) for adapter in adapters])
    splits = compared["split"].unique(maintain_order=True).to_list()
    pairs = _pairs(inputs.tables / "mcnemar.csv")
    page = _environment().get_template("report.html.j2")
    html = page.render(
        style=(TEMPLATES / "report.css").read_text(encoding="utf-8"),
        run=inputs.run,
        invented=inputs.configuration.get("documents") == "invented",
        tiny=inputs.configuration.get("base", {}).get("model") == "tiny",
        configuration=json.dumps(inputs.configuration, indent=2, ensure_ascii=False),
        source=SOURCE,
        labels=LABELS,
        shown=compare.SHOWN,
        published_shown=compare.PUBLISHED_SHOWN,
        headlines={split: _headline(compared, split) for split in splits},
        findings=[finding for split in splits for finding in _findings(compared, pairs, split)],
        pairs=pairs,
        confusions={split: [one for one in _in_order(measured) if one["split"] == split] for split in splits},
        figures=figures,
        adapters=_relative_times(adapters),
        versions=_versions(adapters),
        ledgers=[_json(path) for path in inputs.ledgers],
        qa=[_checks(path) for path in inputs.qa],
        leaks=_json(inputs.leaks),
        card=_markdown(_text(inputs.card)),
        examples=_examples(rows, predictions, [adapter["name"] for adapter in adapters]),
    )
    return html, figures


def _environment() -> jinja2.Environment:
    """Templates with autoescape always on: completions, guidelines and configuration are text, whatever they hold."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"percent": compare.percent, "scalar": _scalar}
    return environment


def _headline(compared: pl.DataFrame, split: str) -> dict[str, Any]:
    """The main table of a split, by kind; with `published` if one of its adapters has published figures."""
    table = compare.wide(compared, split).to_dicts()
    return {
        "rows": table[0]["rows"] if table else 0,
        "kinds": {kind: [row for row in table if row["kind"] == kind] for kind in compare.KINDS},
        "published": any(row[f"published_{metric}"] is not None for row in table for metric in compare.PUBLISHED_SHOWN),
    }


def _findings(compared: pl.DataFrame, pairs: list[dict[str, Any]], split: str) -> list[dict[str, Any]]:
    """What the table says in one sentence: the best adapter beside the best cheap baseline, and whether they differ."""
    figures = compared.filter(pl.col("split") == split, pl.col("metric") == "macro_f1", pl.col("value").is_not_null())
    best = {
        str(kind): group.sort("value", descending=True).row(0, named=True)
        for (kind,), group in figures.group_by("kind")
    }
    if not {"adapter", "cheap baseline"} <= best.keys():
        return []
    names = {best["adapter"]["model"], best["cheap baseline"]["model"]}
    pair = next((one for one in pairs if one["split"] == split and {one["model_a"], one["model_b"]} == names), None)
    return [{"split": split, "adapter": best["adapter"], "baseline": best["cheap baseline"], "pair": pair}]


def _in_order(measured: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(measured, key=lambda one: compare.KINDS.index(one["kind"]))


def _pairs(path: Path) -> list[dict[str, Any]]:
    """The McNemar table, the pairs that differ most first."""
    try:
        return pl.read_csv(path, schema=compare.MCNEMAR).sort(["split", "p_holm"], descending=[True, False]).to_dicts()
    except (FileNotFoundError, pl.exceptions.PolarsError) as error:
        raise InputError(path, f"not the table of pairs: {error}", "run compare.py again") from error


def _adapter(folder: Path) -> dict[str, Any]:
    """An adapter's recipe, log and time."""
    spec = _json(folder / "spec.json")
    log = schemas.read(schemas.TrainingLog, folder / "training_log.parquet")
    times = log.filter(pl.col("metric") == "step_time")["value"].drop_nulls()
    metric = "loss" if spec["method"] == "sft" else "reward"
    values = log.filter(pl.col("metric") == metric).sort("step")["value"].drop_nulls().to_numpy()
    return {
        "name": folder.name,
        "spec": spec,
        "recipe": json.dumps({key: spec[key] for key in spec if key != "versions"}, indent=2, ensure_ascii=False),
        "log": log,
        "seconds": float(times.sum()) if len(times) else None,
        "metric": metric,
        "quarters": quarters(values) if len(values) else None,
    }


def _relative_times(adapters: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Training time over that of the adapter named baseline, as the paper has it; None without one."""
    reference = next((one["seconds"] for one in adapters if one["name"] == "baseline"), None)
    for one in adapters:
        one["relative_time"] = one["seconds"] / reference if one["seconds"] and reference else None
    return adapters


def _versions(adapters: Sequence[dict[str, Any]]) -> dict[str, str]:
    """Package versions that the adapters were trained with; several where adapters differ."""
    found: dict[str, set[str]] = {}
    for adapter in adapters:
        for package, version in adapter["spec"].get("versions", {}).items():
            found.setdefault(package, set()).add(version)
    return {package: ", ".join(sorted(versions)) for package, versions in sorted(found.items())}


def _checks(path: Path) -> dict[str, Any]:
    """A topic's quality report: its main figures under their headings (None where missing), and all of it as text."""
    report = _json(path)
    places = {
        "Scenarios": ("variants", "appendix"),
        "Rows": ("rows", "appendix"),
        "Only in appendix": ("rows", "only_in_appendix"),
        "Only in narrative": ("rows", "only_in_narrative"),
        "Labels compared": ("categories", "compared"),
        "Labels that agree": ("categories", "agree"),
        "Conflicts": ("conflicts",),
        "Without reasoning": ("rows_without_reasoning",),
        "References flagged": ("flagged_references",),
    }
    figures: dict[str, int | None] = {}
    for heading, place in places.items():
        value = report
        for key in place:
            value = value.get(key) if isinstance(value, dict) else None
        figures[heading] = len(value) if isinstance(value, list) else value
    whole = json.dumps(report, indent=2, ensure_ascii=False)
    return {"topic": path.name.removesuffix(".qa.json"), "figures": figures, "whole": whole}


def _examples(
    rows: dict[str, pl.DataFrame], predictions: Sequence[pl.DataFrame], adapters: Sequence[str]
) -> list[dict[str, Any]]:
    """A few rows of each split, per gold label the one most disagreed on, with all completions."""
    said: dict[str, list[dict[str, Any]]] = {}
    for table in predictions:
        for record in table.to_dicts():
            if record["model"] in (*adapters, "base"):
                said.setdefault(record["id"], []).append(record)
    chosen = []
    for split, table in rows.items():
        answered = [row for row in table.sort("id").to_dicts() if row["id"] in said]
        # rows with a gold reasoning before rows without, then those with the most different answers
        answered.sort(key=lambda row: (not row["traces"], -len({one["label"] for one in said[row["id"]]})))
        for label in LABELS:
            of_label = [row for row in answered if row["appropriateness"] == label][:SHOWN_PER_LABEL]
            chosen += [{**row, "split": split, "completions": said[row["id"]]} for row in of_label]
    return chosen


def _markdown(text: str) -> str:
    """Markdown as HTML, HTML in it shown as text, table headers marked for screen readers."""
    html: str = MarkdownIt("commonmark", {"html": False}).enable("table").render(text)
    return html.replace("<th", '<th scope="col"').replace('<th scope="col"ead', "<thead")


def _scalar(value: Any) -> str | None:
    """A plain value as text; None for lists and mappings."""
    if isinstance(value, dict | list):
        return None
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else f"{value:.3g}" if isinstance(value, float) else str(value)


def _json(path: Path) -> Any:
    try:
        return read_json(path)
    except (OSError, ValueError) as error:
        raise InputError(path, f"cannot be read as JSON: {error}", "build it again with snakemake") from error


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(path, f"cannot be read: {error}", "build it again with snakemake") from error
