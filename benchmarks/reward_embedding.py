"""Texts per second of the reward `reasoning_embedding`, against one completion at a time without a cache.

Training steps in the paper's shape, 2 prompts x 6 completions, two epochs: each prompt's gold is met twice, first
unknown, then kept. The completions are the reasoning of other rows, all of them different, which leaves nothing to
save within a group.
"""

import itertools
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from harness import compare
from material import reasonings

EPOCHS, STEPS, PROMPTS, GENERATIONS = 2, 2, 2, 6
LABEL = "Usually Appropriate"


def main() -> None:
    """Compare; the two ways must give the same values."""
    from acrflow import rewards
    from acrflow.models import embedder

    count = STEPS * PROMPTS
    with tempfile.TemporaryDirectory() as scratch:
        traces, kind = reasonings(count * (1 + EPOCHS * GENERATIONS), Path(scratch))
    gold, said = traces[:count], itertools.cycle(traces[count:])
    steps = []
    for step in range(EPOCHS * STEPS):
        golds = [one for one in gold[step % STEPS * PROMPTS :][:PROMPTS] for _ in range(GENERATIONS)]
        texts = [f"<think>{' '.join(next(said))}</think><answer>{LABEL}</answer>" for _ in golds]
        steps.append((texts, golds))
    model = embedder("bundled")
    reward = rewards.load("reasoning_embedding", {"gated": True}, {"embedder": lambda: model})

    def ours() -> list[Any]:
        model._kept.clear()  # as at the start of a training
        return [
            value
            for texts, golds in steps
            for value in reward(texts, appropriateness=[LABEL] * len(texts), traces=golds)
        ]

    def baseline() -> list[float]:
        values = []
        for texts, golds in steps:
            for text, wanted in zip(texts, golds, strict=True):
                values.append(one_at_a_time(model._model, text, wanted))
        return values

    np.testing.assert_allclose(ours(), baseline(), atol=1e-4)
    compare(
        "reward_embedding",
        ours,
        baseline,
        amount=EPOCHS * count * GENERATIONS,
        unit="completions/s",
        baseline_is="one completion at a time: its sentences, then its gold sentences, nothing kept",
        material=f"{kind} reasoning, {sum(map(len, traces)) / len(traces):.1f} sentences a text",
        shape=f"{EPOCHS} epochs of {STEPS} steps of {PROMPTS} prompts x {GENERATIONS} completions",
        wanted="ratio of at least 2 on a CPU, 8 on a GPU",
    )


def one_at_a_time(model: object, text: str, gold: list[str]) -> float:
    """The reward of one completion in the reference's way."""
    from acrflow import completion
    from acrflow.dataset.traces import split_sentences

    parsed = completion.parse(text)
    if parsed.label != LABEL:
        return 0.0
    sentences = list(split_sentences(parsed.reasoning or "").sentences)
    ours = model.encode(sentences, normalize_embeddings=True, show_progress_bar=False)  # type: ignore[attr-defined]
    theirs = model.encode(gold, normalize_embeddings=True, show_progress_bar=False)  # type: ignore[attr-defined]
    return float((theirs @ ours.T).max(axis=1).mean())


if __name__ == "__main__":
    main()
