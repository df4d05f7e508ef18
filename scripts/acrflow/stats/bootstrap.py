"""The bootstrap: rows drawn with replacement, and percentile intervals."""

import numpy as np

LEVEL = 0.95


def resampled(lines: np.ndarray, draws: int, seed: int) -> np.ndarray:
    """Sums of lines drawn with replacement, shape (draws, K); the same seed and number of lines draw the same lines."""
    random = np.random.default_rng(seed)
    size = len(lines)
    sums = np.empty((draws, lines.shape[1]))
    step = max(1, 4_000_000 // max(size, 1))  # draws at a time: 32 MB of drawn places
    for start in range(0, draws, step):
        number = min(step, draws - start)
        drawn = random.integers(0, size, (number, size)) + np.arange(number)[:, None] * size
        times = np.bincount(drawn.ravel(), minlength=number * size).reshape(number, size)
        sums[start : start + number] = times @ lines
    return sums


def limits(values: np.ndarray) -> tuple[float, float]:
    """The 2.5 and the 97.5 percentile of what is finite."""
    low, high = np.quantile(values[np.isfinite(values)], ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    return float(low), float(high)
