"""Reward: the answer is right."""

from acrflow import completion
from acrflow.rewards import reward


@reward(columns=("appropriateness",), low=0.0, high=1.0)
def answer(completions: list[str], appropriateness: list[str]) -> list[float]:
    """1 where the one answer block holds the gold label, else 0 (no block, two blocks, another text)."""
    return [
        float(completion.parse(text).label == gold) for text, gold in zip(completions, appropriateness, strict=True)
    ]
