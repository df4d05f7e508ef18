"""The report: everything a reader needs to judge a run, gathered for one self-contained page."""

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import polars as pl
import vl_convert
from markdown_it import MarkdownIt

from acrflow import schemas
from acrflow.config.evidence import EvidenceKind
from acrflow.config.roster import read_roster
from acrflow.evaluation import compare
from acrflow.evaluation.published import SOURCE
from acrflow.io.errors import InputError
from acrflow.io.files import read_json
from acrflow.report import browser, charts, retrieved, tables
from acrflow.report.charts import Chart
from acrflow.retrieval.evidence import of_rows
from acrflow.schemas.dataset import Rows
from acrflow.schemas.evaluation import KINDS, Comparison, EvidenceEffects, Pairs
from acrflow.schemas.evidence import Condensed, Pmids
from acrflow.schemas.inference import Predictions
from acrflow.schemas.retrieval import Assigned
from acrflow.schemas.training import TrainingLog
from acrflow.tasks.appropriateness import LABELS
from acrflow.training import recipe

TEMPLATES = Path(__file__).parent / "templates"
LIBRARY = "window.vegaEmbed = vegaEmbed;"  # the bundle holds Vega; charts come compiled from Vega-Lite
FREE = ("tokens", "seconds")  # a model that has nothing else in a table has no row in it


@dataclass(frozen=True)
class Inputs:
    """The files that a report is made from; `configuration` is the resolved one, as plain values.

    `trainings` holds a folder per adapter, with its log. `retrieval` and `grader` are folders, None where nothing was
    retrieved or graded.
    """

    run: str
    configuration: dict[str, Any]
    comparison: Path
    pairs: Path
    effects: Path
    metrics: Sequence[Path]
    roster: Path
    adapters: Sequence[Path]
    trainings: Path
    ledgers: Sequence[Path]
    qa: Sequence[Path]
    leaks: Path
    card: Path
    pmids: Path
    condensed: Path
    predictions: Sequence[Path]
    rows: Sequence[Path]
    train: Path
    retrieval: Path | None = None
    grader: Path | None = None


def build(inputs: Inputs) -> tuple[str, list[Chart]]:
    """The page as HTML, and its charts.

    Raises:
        InputError: a file is missing or is not what it should be.
    """
    compared = schemas.read(Comparison, inputs.comparison)
    measured = [_json(path) for path in inputs.metrics]
    adapters = [_adapter(folder, inputs.trainings / folder.name) for folder in inputs.adapters]
    predictions = [schemas.read(Predictions, path) for path in inputs.predictions]
    rows = {path.stem: schemas.read(Rows, path) for path in inputs.rows}
    condensed = schemas.read(Condensed, inputs.condensed)
    references = browser.coverage(
        schemas.read(Pmids, inputs.pmids), condensed, [*rows.values(), schemas.read(Rows, inputs.train)]
    )
    invented = inputs.configuration.get("documents") == "invented"
    shown, titles = _retrieved(inputs, condensed)
    splits = compared["split"].unique(maintain_order=True).to_list()
    pairs = schemas.read(Pairs, inputs.pairs).sort(["split", "p_holm"], descending=[True, False]).to_dicts()
    drawn = _charts(compared, measured, adapters, browser.wrong(rows, predictions), references, splits)
    kinds = dict(compared.select("model", "kind").iter_rows())
    answering = [table for table in predictions if table.height and kinds[table["model"][0]] != "baseline"]
    scripts = {
        "library": vl_convert.javascript_bundle(LIBRARY).replace("</script", r"<\/script"),
        "program": (TEMPLATES / "report.js").read_text(encoding="utf-8"),
    }
    page = _environment().get_template("report.html.j2")
    html = page.render(
        style=(TEMPLATES / "report.css").read_text(encoding="utf-8"),
        scripts=scripts,
        hashes=" ".join(f"'sha256-{_hash(script)}'" for script in scripts.values()),
        specifications=_embedded({one.name: one.compiled() for one in drawn.values()}),
        packed=browser.packed(
            browser.contents(rows, answering, titles, _read(inputs.roster), shown, linked=not invented)
        ),
        run=inputs.run,
        invented=invented,
        tiny=inputs.configuration.get("base", {}).get("model") == "tiny",
        configuration=json.dumps(inputs.configuration, indent=2, ensure_ascii=False),
        source=SOURCE,
        labels=LABELS,
        how=tables.METRICS,
        headlines={split: _headline(compared, split, tables.HEADLINE) for split in splits},
        more={split: _headline(compared, split, tables.MORE) for split in splits},
        reasoning={split: _headline(compared, split, (*tables.REASONING, *tables.COST)) for split in splits},
        findings=[finding for split in splits for finding in _findings(compared, pairs, split)],
        pairs=pairs,
        effects=_effects(schemas.read(EvidenceEffects, inputs.effects)),
        confusions={split: [one for one in _in_order(measured) if one["split"] == split] for split in splits},
        charts=drawn,
        adapters=adapters,
        relative_times=compare.relative_times({one["name"]: one["log"] for one in adapters}),
        versions=_versions(adapters),
        ledgers=[_json(path) for path in inputs.ledgers],
        qa=[_checks(path) for path in inputs.qa],
        leaks=_json(inputs.leaks),
        retrieval=retrieved.gather(inputs.retrieval, inputs.grader) if inputs.retrieval else None,
        card=_with_images(_markdown(_text(inputs.card)), inputs.card.parent),
    )
    return html, list(drawn.values())


def _charts(
    compared: pl.DataFrame,
    measured: Sequence[dict[str, Any]],
    adapters: Sequence[dict[str, Any]],
    wrong: pl.DataFrame,
    references: pl.DataFrame,
    splits: Sequence[str],
) -> dict[str, Chart]:
    """Every chart of the report by name, those without anything to show left out."""
    logs = {one["name"]: one["log"] for one in adapters}
    drawn = [
        charts.figures(compared),
        *(charts.reliability(_in_order(measured), split) for split in splits),
        charts.errors(wrong),
        *(charts.training(name, log) for name, log in logs.items()),
        charts.seconds(logs),
        charts.evidence(references),
    ]
    return {one.name: one for one in drawn if one is not None}


def _embedded(value: Any) -> Any:
    """JSON that no HTML can end: the only sign with which a tag or a comment begins is written as an escape."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def _hash(script: str) -> str:
    """The script's hash as a content security policy wants it."""
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _environment() -> jinja2.Environment:
    """Templates with autoescape always on: completions, guidelines and configuration are text, whatever they hold."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"written": lambda value, metric: tables.written(metric, value), "scalar": _scalar}
    return environment


def _headline(compared: pl.DataFrame, split: str, metrics: Sequence[str]) -> dict[str, Any]:
    """A table of a split, by kind; `paper` are its metrics with published figures."""
    frame = tables.wide(compared, split, metrics)
    rows = frame.to_dicts()
    shown = tables.shown(frame)
    known = [metric for metric in shown if any(row[metric] is not None for row in rows)]
    answering = [row for row in rows if any(row[metric] is not None for metric in known if metric not in FREE)]
    return {
        "rows": max((row["rows"] for row in rows), default=0),
        "metrics": known,
        "kinds": {kind: [row for row in answering if row["kind"] == kind] for kind in KINDS},
        "paper": [metric for metric in known if any(row[f"{metric}_published"] is not None for row in rows)],
    }


def _findings(compared: pl.DataFrame, pairs: list[dict[str, Any]], split: str) -> list[dict[str, Any]]:
    """What the table says in one sentence: the best adapter beside the best baseline, and whether they differ."""
    figures = compared.filter(pl.col("split") == split, pl.col("metric") == "macro_f1", pl.col("value").is_not_null())
    best = {
        str(kind): group.sort("value", descending=True).row(0, named=True)
        for (kind,), group in figures.group_by("kind")
    }
    if not {"adapter", "baseline"} <= best.keys():
        return []
    names = {best["adapter"]["model"], best["baseline"]["model"]}
    pair = next((one for one in pairs if one["split"] == split and {one["model_a"], one["model_b"]} == names), None)
    return [{"split": split, "adapter": best["adapter"], "baseline": best["baseline"], "pair": pair}]


def _read(roster: Path) -> dict[str, EvidenceKind]:
    """The evidence that each adapter and each prompted reference reads."""
    return {one.name: one.evidence for one in read_roster(roster).of("adapter", "reference") if one.evidence}


def _retrieved(inputs: Inputs, condensed: pl.DataFrame) -> tuple[browser.Retrieved, pl.DataFrame]:
    """The rows' retrieved studies, and all condensed abstracts."""
    if inputs.retrieval is None:
        return {}, condensed
    found = schemas.read(Condensed, inputs.retrieval / "condensed.parquet")
    assigned = schemas.read(Assigned, inputs.retrieval / "assigned.parquet")
    return of_rows(assigned, found), pl.concat([condensed, found]).unique("pmid", keep="first", maintain_order=True)


def _effects(effects: pl.DataFrame) -> dict[str, list[dict[str, Any]]]:
    """By split the answers with each kind of evidence, a row each; `first` says whether another adapter begins."""
    ordered = effects.sort(["model", "own", "evidence"], descending=[False, True, True], maintain_order=True)
    marked = ordered.with_columns(first=pl.struct("split", "model").is_first_distinct())
    return {str(split): rows.to_dicts() for (split,), rows in marked.group_by("split", maintain_order=True)}


def _in_order(measured: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(measured, key=lambda one: KINDS.index(one["kind"]))


def _adapter(folder: Path, training: Path) -> dict[str, Any]:
    """An adapter's recipe, log and time."""
    made_by = recipe.read(folder)
    log = schemas.read(TrainingLog, training / "training_log.parquet")
    times = log.filter(pl.col("metric") == "seconds")["value"].drop_nulls()
    metric = "loss" if made_by.method == "sft" else "reward"
    values = log.filter(pl.col("metric") == metric).sort("step")["value"].drop_nulls().to_numpy()
    return {
        "name": folder.name,
        "recipe": made_by,
        "written": json.dumps(made_by.model_dump(mode="json", exclude={"versions"}), indent=2, ensure_ascii=False),
        "log": log,
        "seconds": float(times.sum()) if len(times) else None,
        "metric": metric,
        "quarters": charts.quarters(values) if len(values) else None,
    }


def _versions(adapters: Sequence[dict[str, Any]]) -> dict[str, str]:
    """Package versions that the adapters were trained with; several where adapters differ."""
    found: dict[str, set[str]] = {}
    for adapter in adapters:
        for package, version in adapter["recipe"].versions.items():
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


def _markdown(text: str) -> str:
    """Markdown as HTML, HTML in it shown as text, table headers marked for screen readers."""
    html: str = MarkdownIt("commonmark", {"html": False}).enable("table").render(text)
    return html.replace("<th", '<th scope="col"').replace('<th scope="col"ead', "<thead")


def _with_images(html: str, folder: Path) -> str:
    """The pictures that lie beside a page in `folder`/figures, put into it: the report is one file."""
    for picture in sorted((folder / "figures").glob("*.svg")):
        data = base64.b64encode(picture.read_bytes()).decode()
        html = html.replace(f'src="figures/{picture.name}"', f'src="data:image/svg+xml;base64,{data}"')
    return html


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
