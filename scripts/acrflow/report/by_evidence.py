"""What other evidence does to an adapter, as tables for readers."""

import polars as pl

from acrflow.evaluation.compare import DIFFERENCES
from acrflow.report import tables


def for_readers(effects: pl.DataFrame, split: str) -> tables.Table:
    """One split's figures for readers: a line per adapter and evidence, with changes.

    Where an adapter is one of the paper's, the published figures have columns.
    """
    heads, rows = ["Model", "Evidence", "Rows with a study"], []
    own = effects.filter(split=split)
    paper = own["macro_f1_published"].count() > 0
    for metric in DIFFERENCES:
        name = tables.METRICS[metric].heading
        heads += [name, f"{name}, change", *([f"{name}, paper"] if paper else [])]
    for row in own.iter_rows(named=True):
        cells = [row["model"], row["evidence"] + (" (trained with)" if row["own"] else ""), str(row["shown"])]
        for metric in DIFFERENCES:
            for figure in (metric, f"{metric}_change"):
                text = tables.written(metric, row[figure])
                if row[figure] is not None and row[f"{figure}_low"] is not None:
                    limits = (tables.written(metric, row[f"{figure}_{end}"]) for end in ("low", "high"))
                    text += f" [{', '.join(limits)}]"
                cells.append(text)
            cells += [tables.written(metric, row[f"{metric}_published"])] if paper else []
        rows.append(cells)
    most = max(own["rows"], default=0)
    notes = [
        f"{most} rows; shares in percent, changes in points from the evidence that the adapter was trained with; 95 % "
        "bootstrap intervals over rows, those of changes paired.",
    ]
    notes += [f"Columns “paper”: printed in {tables.SOURCE}."] if paper else []
    return tables.Table(f"Answers on {split} with other evidence", heads, rows, notes)
