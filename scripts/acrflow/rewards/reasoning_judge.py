"""Reward: a language model finds the reasoning good."""

import json
from typing import Literal

from acrflow.models.judge import Judge
from acrflow.rewards import reward
from acrflow.tasks import completion

ASPECTS = ("medical_concepts", "logic_alignment", "supporting_evidence")
HIGHEST = 10  # of an aspect's score
ANSWER_TOKENS = 100  # room for the three scores as JSON

QUESTION = """Rate a piece of medical reasoning against the expert's reasoning: the medical concepts it names, \
how its logic aligns with the expert's, and the evidence that supports it.

Expert's reasoning:
{gold}

Reasoning to rate:
{reasoning}

"""
ONE_SCORE = "Answer with one whole number from 0 (nothing right) to {highest} (as good as the expert's)."
THREE_SCORES = (
    "Answer with JSON alone, each score a whole number from 0 (nothing right) to 10 (as good as the expert's): "
    + json.dumps(dict.fromkeys(ASPECTS, "score"))
)


@reward(columns=("traces",), low=0.0, high=1.0)
def reasoning_judge(
    completions: list[str],
    traces: list[list[str]],
    *,
    judge: Judge,
    mode: Literal["expected_score", "generate"] = "expected_score",
    least_mass: float = 0.01,
) -> list[float | None]:
    """The judge's score of the reasoning against the gold traces, 0 to 1 (LLM Eval, arXiv 2510.05194).

    Args:
        mode: `expected_score`: the expectation over the probabilities of the score tokens, in one batched pass that
            reads what the completions of a prompt share once. `generate`: as in the paper, the judge writes
            three scores as JSON; their mean.
        least_mass: in `expected_score`, the probability that the judge must give to all scores together; below it, its
            answer is no score.

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
            questions.append(QUESTION.format(gold="\n".join(gold), reasoning=reasoning))
    if mode == "generate":
        answers = judge.answers([question + THREE_SCORES for question in questions], ANSWER_TOKENS)
        scores = [read_scores(answer) for answer in answers]
    else:
        one_score = ONE_SCORE.format(highest=judge.highest)
        scores = judge.expected_scores(
            [question + one_score for question in questions], least_mass, ["\n".join(traces[place]) for place in asked]
        )
    for place, score in zip(asked, scores, strict=True):
        values[place] = score
    return values


def read_scores(answer: str) -> float | None:
    """Mean of the three scores in an answer's first JSON object, 0 to 1; None unless all three are there."""
    start = answer.find("{")
    if start < 0:
        return None
    try:
        given, _ = json.JSONDecoder().raw_decode(answer, start)
    except (json.JSONDecodeError, RecursionError):
        return None
    scores = [given.get(aspect) for aspect in ASPECTS]
    if not all(type(score) in (int, float) and 0 <= score <= HIGHEST for score in scores):
        return None
    return sum(scores) / len(ASPECTS) / HIGHEST
