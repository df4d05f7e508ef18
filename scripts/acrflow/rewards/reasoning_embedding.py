"""Reward: the reasoning says what the gold traces say, by sentence embeddings."""

from acrflow.models.embedder import Embedder
from acrflow.rewards import reward
from acrflow.tasks import completion
from acrflow.tasks.task import Task
from acrflow.text.sentences import split_sentences


@reward(columns=("gold", "traces"), low=-1.0, high=1.0)
def reasoning_embedding(
    completions: list[str],
    gold: list[str],
    traces: list[list[str]],
    *,
    task: Task,
    embedder: Embedder,
    gated: bool = False,
) -> list[float | None]:
    """Mean, over the gold traces, of the best cosine similarity to any sentence of the reasoning.

    Args:
        gated: multiply by [the answer is right]; this is the joint reward of MedReason-Embed (arXiv 2510.05194).

    Returns:
        0 without reasoning, and if gated with a wrong answer; None where the row has no gold traces.
    """
    sentences: list[list[str]] = []
    for text, label in zip(completions, gold, strict=True):
        parsed = completion.parse(text, task)
        worth_reading = bool(parsed.reasoning) and (parsed.label == label or not gated)
        sentences.append(list(split_sentences(parsed.reasoning or "").sentences) if worth_reading else [])
    # all sentences of the batch in one call; gold ones are kept from one step to the next
    generated = embedder.encode([sentence for said in sentences for sentence in said])
    wanted = [facts if said else [] for said, facts in zip(sentences, traces, strict=True)]
    known = embedder.encode_cached([trace for facts in wanted for trace in facts])

    values: list[float | None] = []
    at_sentence = at_trace = 0
    for said, facts, asked in zip(sentences, traces, wanted, strict=True):
        ours = generated[at_sentence : at_sentence + len(said)]
        theirs = known[at_trace : at_trace + len(asked)]
        at_sentence, at_trace = at_sentence + len(said), at_trace + len(asked)
        if not facts:
            values.append(None)
        elif not said:
            values.append(0.0)
        else:
            values.append(float((theirs @ ours.T).max(axis=1).mean()))
    return values
