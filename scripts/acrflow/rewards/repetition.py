"""Reward: a penalty for saying the same again."""

from acrflow.rewards import reward
from acrflow.text.ngrams import repeated_share


@reward(columns=(), low=-1.0, high=0.0)
def repetition(completions: list[str], *, n: int = 3) -> list[float]:
    """Minus the share of repeated n-grams of words in the whole completion: 0 (none) to -1 (all but one).

    Published in arXiv 2502.03373; Gazal-R1 (arXiv 2506.21594) uses it with n = 3.
    """
    if n < 1:
        raise ValueError("n must be at least 1")
    return [-repeated_share(text, n) for text in completions]
