"""Reward: a penalty that grows over the last stretch before the length limit."""

from acrflow.rewards import reward


@reward(columns=("tokens",), low=-1.0, high=0.0)
def soft_overlong(
    completions: list[str], tokens: list[int], *, completion_tokens: int, stretch: float = 0.2
) -> list[float]:
    """0 up to the last stretch of the limit, then falling in a line to -1 at the limit (DAPO, arXiv 2503.14476).

    Args:
        tokens: length of each completion.
        completion_tokens: the limit, from the training's hyperparameters.
        stretch: the last part of the limit, as a share of it, over which the penalty grows.
    """
    if not 0 < stretch <= 1:
        raise ValueError("stretch must be above 0 and at most 1")
    soft = stretch * completion_tokens
    return [max(-1.0, min(0.0, (completion_tokens - soft - length) / soft)) for length in tokens]
