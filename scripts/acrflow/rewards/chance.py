"""Reward: chance. The control that must not teach anything."""

import random

from acrflow.rewards import reward


@reward(columns=("step",), low=0.0, high=1.0)
def chance(completions: list[str], step: list[int], *, seed: int = 0, share: float = 0.5) -> list[float]:
    """1 with probability `share`, else 0, whatever the completion says.

    Drawn from seed and step, not from the text (a function of the text could be learned) and not from a running
    generator (a resumed training would then draw other numbers).
    """
    if not 0 <= share <= 1:
        raise ValueError("share must lie between 0 and 1")
    draw = random.Random(f"{seed} {step[0] if step else 0}")
    return [float(draw.random() < share) for _ in completions]
