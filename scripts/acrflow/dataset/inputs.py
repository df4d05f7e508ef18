"""The input of a row as one line: what the baselines and the leak report compare."""

import polars as pl

WORD = r"\b\w+\b"  # scikit-learn's own pattern passes over words of one character: "type 2", "T 1", "grade B"


def input_texts(rows: pl.DataFrame) -> list[str]:
    """ "condition | variant | procedure" of each row."""
    return rows.select(pl.concat_str("condition", "variant", "procedure", separator=" | ")).to_series().to_list()
