"""The report's figures: SVG that follows the page's colours, and the same as plain files.

Matplotlib knows no CSS variables, so figures are drawn in stand-in colours that are replaced afterwards: by the page's
variables in the report (light and dark), by plain colours in the files.
"""

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt
import numpy as np
import polars as pl

INK, MUTED, GRID = "#010101", "#020202", "#030303"
SERIES = ("#040404", "#050505", "#060606", "#070707")
NAMES = {INK: "ink", MUTED: "muted", GRID: "rule", **{color: f"series-{i + 1}" for i, color in enumerate(SERIES)}}
PLAIN = {INK: "#1b1d20", MUTED: "#5c6268", GRID: "#d9dcdf"} | dict(
    zip(SERIES, ("#0b5f8a", "#b3541e", "#2f7d4f", "#7a4a9e"), strict=True)
)
STYLE: Any = {
    "svg.fonttype": "none",  # text stays text: it can be read aloud, and it takes the page's font
    "svg.hashsalt": "acrflow",
    "font.family": "sans-serif",
    "font.size": 9,
    "text.color": INK,
    "axes.labelcolor": MUTED,
    "axes.edgecolor": GRID,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "axes.titlesize": 9,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "xtick.color": GRID,
    "ytick.color": GRID,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
}
WIDTH = 4.7  # inches: as wide as a phone, so that the text keeps its size there


@dataclass(frozen=True)
class Figure:
    """A figure: its file name, what it shows in words, and its SVG in stand-in colours."""

    name: str
    description: str
    svg: str

    @property
    def inline(self) -> str:
        """SVG for the page: its variables as colours, ids of its own, a label for screen readers."""
        svg = self.svg[self.svg.index("<svg") :]
        for color, name in NAMES.items():
            svg = svg.replace(color, f"var(--{name})")
        svg = re.sub(r'\b(id="|xlink:href="#|url\(#)', rf"\g<1>{self.name}-", svg)
        svg = re.sub(r'\s(width|height)="[\d.]+pt"', "", svg, count=2)
        return svg.replace("<svg", f'<svg role="img" aria-label="{escape(self.description)}"', 1)

    @property
    def file(self) -> str:
        """SVG for a file: plain colours of the light page on white."""
        svg = self.svg
        for color, plain in PLAIN.items():
            svg = svg.replace(color, plain)
        return svg.replace("<svg", '<svg style="background: #fff"', 1)


def intervals(compared: pl.DataFrame, metric: str, title: str) -> Figure:
    """One dot and 95 % interval per model and split (`schemas.Comparison`), in percent."""
    table = compared.filter(pl.col("metric") == metric, pl.col("value").is_not_null())
    models = table["model"].unique(maintain_order=True).to_list()
    splits = table["split"].unique(maintain_order=True).to_list()
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(WIDTH, 0.75 + 0.36 * len(models)))
        for number, split in enumerate(splits):
            for row in table.filter(pl.col("split") == split).to_dicts():
                y = models.index(row["model"]) + 0.22 * (number - (len(splits) - 1) / 2)
                if row["low"] is not None:
                    axes.plot([100 * row["low"], 100 * row["high"]], [y, y], color=SERIES[number], linewidth=1.4)
                axes.plot(100 * row["value"], y, "os"[number % 2], color=SERIES[number], markersize=4.5)
            axes.plot([], [], "os"[number % 2], color=SERIES[number], markersize=4.5, label=split)
        axes.set_yticks(range(len(models)), models)
        axes.tick_params(axis="y", length=0, labelcolor=INK)
        axes.set(xlim=(0, 100), ylim=(len(models) - 0.4, -0.6), xlabel=f"{title}, percent")
        axes.grid(axis="x")
        axes.grid(visible=False, axis="y")
        axes.spines["left"].set_visible(False)
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0, handletextpad=0.2)
        said = "; ".join(f"{row['model']} on {row['split']} {100 * row['value']:.1f}" for row in table.to_dicts())
        return _finish(figure, f"{metric}_intervals", f"{title} of each model with 95 % intervals: {said}")


def training(adapter: str, log: pl.DataFrame) -> Figure | None:
    """Reward (or loss) over the steps, and the mean of each reward below it; None if the log has neither.

    Args:
        adapter: its name.
        log: `schemas.TrainingLog`.
    """
    curves = {
        str(metric): group.drop_nulls("value").sort("step")
        for (metric,), group in log.group_by("metric", maintain_order=True)
    }
    components = {
        match[1]: curve for name, curve in curves.items() if (match := re.fullmatch(r"rewards/(.+)/mean", name))
    }
    main = next((name for name in ("reward", "loss") if name in curves and curves[name].height), None)
    if main is None:
        return None
    with plt.rc_context(STYLE):
        rows = 2 if components else 1
        figure, panels = plt.subplots(rows, 1, figsize=(WIDTH, 0.5 + 1.75 * rows), sharex=True, squeeze=False)
        _curve(panels[0, 0], curves[main], SERIES[0], band=True)
        panels[0, 0].set_title(f"{adapter}: {'total reward' if main == 'reward' else 'loss'}")
        for number, (name, curve) in enumerate(components.items()):
            _curve(panels[1, 0], curve, SERIES[number % len(SERIES)], label=name)
        if components:
            panels[1, 0].set_title("mean of each reward")
            panels[1, 0].legend(ncols=2, loc="upper left", bbox_to_anchor=(0, -0.42), borderaxespad=0)
        panels[-1, 0].set_xlabel("step")
        figure.align_ylabels()
        figure.tight_layout(h_pad=0.8)
        first, last = quarters(curves[main]["value"].to_numpy())
        said = f"{main} of {adapter} over {curves[main].height} steps: mean {first:.2f} in the first quarter, "
        return _finish(figure, f"training_{adapter}", f"{said}{last:.2f} in the last")


def quarters(values: np.ndarray) -> tuple[float, float]:
    """Mean of the first and of the last quarter."""
    quarter = max(1, len(values) // 4)
    return float(values[:quarter].mean()), float(values[-quarter:].mean())


def _curve(axes: Any, curve: pl.DataFrame, color: str, label: str | None = None, band: bool = False) -> None:
    """A smoothed curve (mean of a tenth of the steps around each), with the raw values' range behind it."""
    steps, values = curve["step"].to_numpy(), curve["value"].to_numpy()
    window = max(1, len(values) // 10)
    around = [values[max(0, i - window // 2) : i + window // 2 + 1] for i in range(len(values))]
    if band:
        low, high = [piece.min() for piece in around], [piece.max() for piece in around]
        axes.fill_between(steps, low, high, color=color, alpha=0.16, linewidth=0)
        axes.plot(steps, values, color=color, alpha=0.35, linewidth=0.6)
    axes.plot(steps, [piece.mean() for piece in around], color=color, linewidth=1.7, label=label)


def _finish(figure: Any, name: str, description: str) -> Figure:
    buffer = io.StringIO()
    nothing: dict[str, None] = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    figure.savefig(buffer, format="svg", bbox_inches="tight", pad_inches=0.04, metadata=nothing)
    plt.close(figure)
    return Figure(name, description, buffer.getvalue())


def all_figures(compared: pl.DataFrame, logs: Sequence[tuple[str, pl.DataFrame]]) -> dict[str, Figure]:
    """Every figure of the report by name."""
    drawn = [intervals(compared, "macro_f1", "Macro F1")]
    drawn += [figure for adapter, log in logs if (figure := training(adapter, log)) is not None]
    return {figure.name: figure for figure in drawn}
