"""The report's charts, as Vega-Lite from Altair: interactive on the page, and the same as SVG files.

Colours are the page's CSS variables, so that charts follow light and dark; in the files they are plain.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import numpy as np
import polars as pl

from acrflow.report import tables
from acrflow.tasks import appropriateness
from acrflow.tasks.task import Task

PLAIN = {"ink": "#1b1d20", "muted": "#565c62", "rule": "#d9dcdf", "paper": "#ffffff", "accent": "#0b5f8a"} | {
    f"series-{i + 1}": color
    for i, color in enumerate(("#0b5f8a", "#b3541e", "#2f7d4f", "#7a4a9e", "#8a6d00", "#a33a5a", "#3f6f73", "#6b6f75"))
}
SERIES = [f"var(--{name})" for name in PLAIN if name.startswith("series")]
FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif'
CONFIG: dict[str, Any] = {
    "background": None,
    "font": FONT,
    "view": {"stroke": None},
    "axis": {
        "labelColor": "var(--muted)",
        "titleColor": "var(--muted)",
        "gridColor": "var(--rule)",
        "domainColor": "var(--rule)",
        "tickColor": "var(--rule)",
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
    },
    "legend": {
        "labelColor": "var(--ink)",
        "titleColor": "var(--muted)",
        "labelFontSize": 12,
        "orient": "top",
        "title": None,
        "labelLimit": 400,
        "columns": 3,
        "symbolLimit": 30,
        "symbolOpacity": 1,
    },
    "header": {"labelColor": "var(--ink)", "titleColor": "var(--muted)", "labelFontSize": 13, "labelFontWeight": 600},
    "title": {"color": "var(--ink)", "fontSize": 13, "anchor": "start"},
    "text": {"color": "var(--ink)"},
    "range": {"category": SERIES, "heatmap": ["var(--paper)", "var(--series-2)"]},
}
WINDOWS = 10  # a curve is smoothed over a tenth of its steps
RAW = 100  # points of the raw band, whatever the number of steps
ENDS = ("low", "high", "topic_low", "topic_high")
WORTH_SHOWING = 0.005  # share of a training's time below which a part counts among the rest


@dataclass(frozen=True)
class Chart:
    """A chart: its name, what it shows in words, its Vega-Lite specification, and its numbers as a table."""

    name: str
    description: str
    specification: dict[str, Any]
    heads: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()

    def compiled(self) -> dict[str, Any]:
        """The chart in Vega, for the page."""
        import vl_convert

        vega: dict[str, Any] = vl_convert.vegalite_to_vega(self.specification)
        return vega

    def svg(self) -> str:
        """The chart as it stands before anyone touches it, in plain colours on white."""
        import vl_convert

        text: str = vl_convert.vegalite_to_svg(_plain(self.specification))
        return text


def _plain(value: Any) -> Any:
    """A specification with colours for variables and a width for the page's."""
    if isinstance(value, dict):
        return {key: 560 if (key, one) == ("width", "container") else _plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return re.sub(r"var\(--([\w-]+)\)", lambda match: PLAIN[match[1]], value) if isinstance(value, str) else value


def chart(name: str, description: str, drawn: Any, heads: Sequence[str] = (), rows: Sequence[Any] = ()) -> Chart:
    """Give an Altair chart its name and the page's looks."""
    specification = drawn.to_dict(context={"pre_transform": False})
    specification |= {"config": CONFIG, "description": description}
    written = tuple(tuple(str(cell) for cell in row) for row in rows)
    return Chart(name, description, specification, tuple(heads), written)


def figures(compared: pl.DataFrame, task: Task = appropriateness.TASK) -> Chart:
    """Any figure of every model with its intervals; the figure is picked from a list."""
    rows, metrics = [], tables.metrics_of(task)
    for row in compared.filter(pl.col("value").is_not_null(), pl.col("metric").is_in([*metrics])).to_dicts():
        how = metrics[row["metric"]]
        values = {
            key: None if row[key] is None else round(row[key] * how.scale, 4)
            for key in ("value", *ENDS, "draws_mean", "draws_sd", "seeds_mean", "seeds_sd")
        }
        # drawn from these: a figure without an interval gets one of no length, since Vega warns of empty ranges
        ends = {f"{key}_end": values["value"] if values[key] is None else values[key] for key in ENDS}
        rows.append({"model": row["model"], "split": row["split"], "metric": how.heading, **values, **ends})
    headings = [how.heading for how in metrics.values() if any(row["metric"] == how.heading for row in rows)]
    models = list(dict.fromkeys(row["model"] for row in rows))
    picked = alt.param("figure", value="Macro F1", bind=alt.binding_select(options=headings, name="Figure "))
    base = alt.Chart(alt.Data(values=rows)).transform_filter("datum.metric == figure")
    y = alt.Y("model:N", sort=models, title=None, axis=alt.Axis(labelColor="var(--ink)", ticks=False, domain=False))
    splits = list(dict.fromkeys(row["split"] for row in rows))
    offset = alt.YOffset("split:N", sort=splits)
    color = alt.Color("split:N", sort=splits)
    tooltip = [
        alt.Tooltip("model:N"),
        alt.Tooltip("split:N"),
        alt.Tooltip("value:Q", format=".3~f"),
        alt.Tooltip("low:Q", title="low, rows", format=".3~f"),
        alt.Tooltip("high:Q", title="high, rows", format=".3~f"),
        alt.Tooltip("topic_low:Q", title="low, topics", format=".3~f"),
        alt.Tooltip("topic_high:Q", title="high, topics", format=".3~f"),
        alt.Tooltip("draws_mean:Q", title="sampled, mean", format=".3~f"),
        alt.Tooltip("draws_sd:Q", title="sampled, sd", format=".3~f"),
        alt.Tooltip("seeds_mean:Q", title="trained again, mean", format=".3~f"),
        alt.Tooltip("seeds_sd:Q", title="trained again, sd", format=".3~f"),
    ]
    x = alt.X("value:Q", title=None, scale=alt.Scale(zero=True, nice=True))
    thin = base.mark_rule(strokeWidth=1, opacity=0.7).encode(
        y=y, yOffset=offset, x=alt.X("topic_low_end:Q", title=None), x2="topic_high_end:Q", color=color
    )
    thick = base.mark_rule(strokeWidth=4, opacity=0.45).encode(
        y=y, yOffset=offset, x=alt.X("low_end:Q", title=None), x2="high_end:Q", color=color
    )
    dots = base.mark_point(filled=True, size=55, opacity=1).encode(
        y=y, yOffset=offset, x=x, color=color, shape=alt.Shape("split:N", sort=splits, legend=None), tooltip=tooltip
    )
    drawn = (thin + thick + dots).add_params(picked).properties(width="container", height=alt.Step(19))
    return chart("figures", "Every figure of every model with 95 % intervals; the tables hold the numbers", drawn)


def training(adapter: str, log: pl.DataFrame) -> Chart | None:
    """An adapter's rewards (or its loss) over its steps: smoothed, with the raw values' range behind."""
    points: list[dict[str, Any]] = []
    rows = []
    for name, values in _components(log).items():
        steps, raw = values["step"].to_numpy(), values["value"].to_numpy()
        points += [{"part": name, **point} for point in smoothed(steps, raw)]
        first, last = quarters(raw)
        rows.append((name, f"{first:.3f}", f"{last:.3f}"))
    if not points:
        return None
    picked = alt.selection_point(fields=["part"], bind="legend")
    base = alt.Chart(alt.Data(values=points)).encode(
        x=alt.X("step:Q", title="step", axis=alt.Axis(grid=False)),
        color=alt.Color("part:N", sort=None, legend=alt.Legend(columns=2)),
    )
    band = base.mark_area().encode(
        y=alt.Y("low:Q", title=None), y2="high:Q", opacity=alt.condition(picked, alt.value(0.16), alt.value(0.02))
    )
    line = base.mark_line(strokeWidth=2).encode(
        y=alt.Y("smooth:Q", title=None),
        opacity=alt.condition(picked, alt.value(1), alt.value(0.12)),
        tooltip=["part:N", "step:Q", alt.Tooltip("smooth:Q", format=".3f")],
    )
    drawn = alt.layer(band, line.add_params(picked)).properties(width="container", height=170, title=adapter)
    description = f"{adapter} over its training steps: " + "; ".join(
        f"{name} {first} in the first quarter, {last} in the last" for name, first, last in rows
    )
    return chart(f"training_{adapter}", description, drawn, ("Part", "First quarter", "Last quarter"), rows)


def _components(log: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """The curves worth drawing of a training log: the total reward and each reward's mean, else the loss."""
    curves = {str(name): group.drop_nulls("value").sort("step") for (name,), group in log.group_by("metric")}
    found = {"total": curves["reward"]} if "reward" in curves else {}
    for name in sorted(curves):
        if match := re.fullmatch(r"rewards/(.+)/mean", name):
            found[match[1].replace("_", " ")] = curves[name]
    if not found and "loss" in curves:
        found = {"loss": curves["loss"]}
    return {name: curve for name, curve in found.items() if curve.height}


def smoothed(steps: np.ndarray, values: np.ndarray) -> list[dict[str, float]]:
    """At most `RAW` points: the mean over a tenth of the steps around each, with the range of the raw values there."""
    window = max(1, len(values) // WINDOWS)
    indices = np.unique(np.linspace(0, len(values) - 1, min(len(values), RAW)).astype(int))
    around = [values[max(0, index - window // 2) : index + window // 2 + 1] for index in indices]
    return [
        {
            "step": int(steps[index]),
            "smooth": round(float(piece.mean()), 5),
            "low": round(float(piece.min()), 5),
            "high": round(float(piece.max()), 5),
        }
        for index, piece in zip(indices, around, strict=True)
    ]


def quarters(values: np.ndarray) -> tuple[float, float]:
    """Mean of the first and of the last quarter."""
    quarter = max(1, len(values) // 4)
    return float(values[:quarter].mean()), float(values[-quarter:].mean())


def seconds(logs: Mapping[str, pl.DataFrame]) -> Chart | None:
    """Where each adapter's training time went: the parts that its log measures, and the rest."""
    parts: list[dict[str, Any]] = []
    for adapter, log in logs.items():
        sums = dict(log.group_by("metric").agg(pl.col("value").sum()).iter_rows())
        total = sums.get("seconds")
        if not total:
            continue
        known = {
            (match[1] or match[2]).replace("_", " "): value
            for name, value in sums.items()
            if (match := re.fullmatch(r"rewards/(.+)/seconds|seconds/(generation|loss)", name))
        }
        known = {name: value for name, value in known.items() if value >= total * WORTH_SHOWING}
        known["everything else"] = max(0.0, total - sum(known.values()))
        parts += [{"adapter": adapter, "part": name, "seconds": round(value, 2)} for name, value in known.items()]
    if not parts:
        return None
    first, last = ("generation", "loss"), ("everything else",)
    names = [*first, *sorted({part["part"] for part in parts} - {*first, *last}), *last]
    parts = [{**part, "place": names.index(part["part"])} for part in parts]
    drawn = (
        alt.Chart(alt.Data(values=parts))
        .mark_bar()
        .encode(
            y=alt.Y("adapter:N", sort=list(logs), title=None, axis=alt.Axis(labelColor="var(--ink)", ticks=False)),
            x=alt.X("seconds:Q", title="seconds of training"),
            color=alt.Color("part:N", sort=names),
            order=alt.Order("place:Q"),
            tooltip=["adapter:N", "part:N", "seconds:Q"],
        )
        .properties(width="container", height=alt.Step(26))
    )
    rows = [(part["adapter"], part["part"], f"{part['seconds']:.1f}") for part in parts]
    return chart("seconds", "Seconds of training by part", drawn, ("Adapter", "Part", "Seconds"), rows)


def reliability(measured: Sequence[dict[str, Any]], split: str) -> Chart | None:
    """How often the most probable label is right, by how probable it is, on one split."""
    points = [
        {
            "model": one["model"],
            "rows": part["rows"],
            **{key: round(part[key], 4) for key in ("confidence", "accuracy")},
        }
        for one in measured
        if one["split"] == split
        for part in one["calibration"]
    ]
    if not points:
        return None
    models = list(dict.fromkeys(point["model"] for point in points))
    picked = alt.selection_point(fields=["model"], bind="legend")
    axis = alt.Axis(format="%", tickCount=5)
    x = alt.X("confidence:Q", title="probability of the label", axis=axis, scale=alt.Scale(domain=[0.3, 1]))
    y = alt.Y("accuracy:Q", title="how often it is right", axis=axis, scale=alt.Scale(domain=[0, 1]))
    ends = [{"confidence": end, "accuracy": end} for end in (0.3, 1)]
    ideal = alt.Chart(alt.Data(values=ends)).mark_line(color="var(--muted)", strokeDash=[3, 3], strokeWidth=1)
    base = alt.Chart(alt.Data(values=points)).encode(
        x=x, y=y, color=alt.Color("model:N", sort=models), opacity=alt.condition(picked, alt.value(0.9), alt.value(0.1))
    )
    tooltip = ["model:N", "rows:Q", alt.Tooltip("confidence:Q", format=".1%"), alt.Tooltip("accuracy:Q", format=".1%")]
    size = alt.Size("rows:Q", legend=None, scale=alt.Scale(range=[20, 300]))
    dots = base.mark_point(filled=True).encode(size=size, tooltip=tooltip)
    drawn = alt.layer(ideal.encode(x=x, y=y), base.mark_line(strokeWidth=1.5), dots.add_params(picked))
    drawn = drawn.properties(width="container", height=260, title=split)
    rows = [(one["model"], one["rows"], f"{one['confidence']:.1%}", f"{one['accuracy']:.1%}") for one in points]
    description = f"Reliability of the labels' probabilities on {split}, in bins of a tenth"
    return chart(f"reliability_{split}", description, drawn, ("Model", "Rows", "Mean probability", "Right"), rows)


def errors(wrong: pl.DataFrame, task: Task = appropriateness.TASK) -> Chart:
    """Where each model errs: share of wrong answers by topic, modality or label.

    Args:
        wrong: model, split, by (topic, modality or label), group, rows, wrong.
    """
    values = wrong.with_columns(share=pl.col("wrong") / pl.col("rows")).to_dicts()
    models = list(dict.fromkeys(wrong["model"]))
    by = alt.param("by", value="label", bind=alt.binding_select(options=list(dict.fromkeys(wrong["by"])), name="By "))
    splits = list(dict.fromkeys(wrong["split"]))
    groups = [*task.labels, *sorted(set(wrong["group"]) - set(task.labels))]
    split = alt.param("split", value=splits[0] if splits else "", bind=alt.binding_select(options=splits, name="on "))
    base = (
        alt.Chart(alt.Data(values=values))
        .transform_filter("datum.by == by && datum.split == split")
        .encode(
            x=alt.X("model:N", sort=models, title=None, axis=alt.Axis(orient="top", labelAngle=-40, ticks=False)),
            y=alt.Y(
                "group:N", sort=groups, title=None, axis=alt.Axis(labelColor="var(--ink)", labelLimit=260, ticks=False)
            ),
        )
    )
    tooltip = ["model:N", "group:N", "rows:Q", "wrong:Q", alt.Tooltip("share:Q", format=".1%")]
    cells = base.mark_rect(color="var(--series-2)").encode(
        opacity=alt.Opacity("share:Q", legend=None, scale=alt.Scale(domain=[0, 1], range=[0.04, 0.85])), tooltip=tooltip
    )
    text = base.mark_text(fontSize=12, color="var(--ink)").encode(text=alt.Text("share:Q", format=".0%"))
    drawn = (cells + text).add_params(by, split).properties(width="container", height=alt.Step(26))
    rows = [(row["model"], row["split"], row["by"], row["group"], row["rows"], row["wrong"]) for row in values]
    heads = ("Model", "Split", "By", "Group", "Rows", "Wrong")
    return chart("errors", "Share of wrong answers of each model by label, modality and topic", drawn, heads, rows)


def evidence(coverage: pl.DataFrame) -> Chart:
    """What became of each topic's references.

    Args:
        coverage: topic, state, references.
    """
    states = list(dict.fromkeys(coverage["state"]))
    drawn = (
        alt.Chart(alt.Data(values=coverage.to_dicts()))
        .mark_bar()
        .encode(
            y=alt.Y("topic:N", title=None, axis=alt.Axis(labelColor="var(--ink)", labelLimit=260, ticks=False)),
            x=alt.X("references:Q", title="references"),
            color=alt.Color("state:N", sort=states),
            order=alt.Order("place:Q"),
            tooltip=["topic:N", "state:N", "references:Q"],
        )
        .properties(width="container", height=alt.Step(22))
    )
    rows = coverage.select("topic", "state", "references").rows()
    description = "References of each topic by what became of them"
    return chart("evidence", description, drawn, ("Topic", "What became of them", "References"), rows)
