"""The panel's votes: how many panelists rated 1 to 9, as votes for each label."""

from collections.abc import Sequence

import numpy as np
import polars as pl


def vote_shares(votes: pl.Series) -> np.ndarray:
    """Share of each row's panel that voted for each of `LABELS`, shape (rows, 3); NaN where there are no votes."""
    counts = np.array([_categories(one) for one in votes], dtype=float).reshape(len(votes), 3)
    totals = counts.sum(axis=1, keepdims=True)
    return np.divide(counts, totals, out=np.full_like(counts, np.nan), where=totals > 0)


def _categories(votes: Sequence[int] | None) -> tuple[int, int, int]:
    """Nine counts of votes as votes for each of `LABELS`."""
    return (sum(votes[:3]), sum(votes[3:6]), sum(votes[6:])) if votes is not None else (0, 0, 0)
