"""Reward: the completion has the form that the prompt asks for."""

from acrflow.rewards import reward
from acrflow.tasks import completion


@reward(columns=(), low=0.0, high=1.0)
def format(completions: list[str]) -> list[float]:
    """1 for exactly one think block, then exactly one answer block, and nothing else; else 0."""
    return [float(completion.parse(text).well_formed) for text in completions]
