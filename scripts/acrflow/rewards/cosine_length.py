"""Reward: right answers had better be short, wrong ones long."""

import math

from acrflow.rewards import reward
from acrflow.tasks import completion
from acrflow.tasks.task import Task


@reward(columns=("gold", "tokens"), low=-1.0, high=1.0)
def cosine_length(
    completions: list[str],
    gold: list[str],
    tokens: list[int],
    *,
    task: Task,
    completion_tokens: int,
    right_short: float = 1.0,
    right_long: float = 0.5,
    wrong_short: float = -1.0,
    wrong_long: float = -0.5,
) -> list[float]:
    """A half cosine over the length, from the value of the shortest completion to that of the longest.

    Published in arXiv 2502.03373; used by Gazal-R1 (arXiv 2506.21594). A completion without a readable
    answer is worth `wrong_short` whatever its length, so that rambling on without an answer gains nothing.

    Args:
        tokens: length of each completion.
        completion_tokens: the length limit, from the training's hyperparameters.
        right_short, right_long, wrong_short, wrong_long: values at length 0 and at the limit, all within [-1, 1].
    """
    if not all(-1 <= value <= 1 for value in (right_short, right_long, wrong_short, wrong_long)):
        raise ValueError("the four values must lie between -1 and 1")
    values = []
    for text, right, length in zip(completions, gold, tokens, strict=True):
        label = completion.parse(text, task).label
        short, long = (right_short, right_long) if label == right else (wrong_short, wrong_long)
        shortness = (1 + math.cos(math.pi * min(1.0, length / completion_tokens))) / 2
        values.append(wrong_short if label is None else long + (short - long) * shortness)
    return values
