"""Reward: a language model finds the reasoning good."""

from acrflow import completion
from acrflow.models import Judge
from acrflow.rewards import reward

QUESTION = """Rate a piece of medical reasoning against the expert's reasoning: the medical concepts it names, \
how its logic aligns with the expert's, and the evidence that supports it.

Expert's reasoning:
{gold}

Reasoning to rate:
{reasoning}

Answer with one whole number from 0 (nothing right) to {highest} (as good as the expert's)."""


@reward(columns=("traces",), low=0.0, high=1.0)
def reasoning_judge(
    completions: list[str], traces: list[list[str]], *, judge: Judge, least_mass: float = 0.01
) -> list[float | None]:
    """The judge's expected score, 0 to 1: one batched forward pass, expectation over the score tokens.

    Args:
        least_mass: probability that the judge must give to all scores together; below it, its answer is no score.

    Returns:
        0 without reasoning; None where the row has no gold traces or the judge's answer cannot be read.
    """
    values: list[float | None] = [None if not gold else 0.0 for gold in traces]
    asked: list[int] = []
    questions: list[str] = []
    for place, (text, gold) in enumerate(zip(completions, traces, strict=True)):
        reasoning = completion.parse(text).reasoning
        if gold and reasoning:
            asked.append(place)
            questions.append(QUESTION.format(gold="\n".join(gold), reasoning=reasoning, highest=judge.highest))
    for place, score in zip(asked, judge.expected_scores(questions, least_mass), strict=True):
        values[place] = score
    return values
