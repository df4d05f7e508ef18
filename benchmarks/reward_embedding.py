"""Texts per second of the reward `reasoning_embedding`, against one completion at a time without a cache.

`ratio` is against the swifter reading of "one text at a time": a completion's sentences in one call, its gold sentences
in another. `ratio_one_sentence_at_a_time` is against a call for each sentence. On a CPU both are counted in processor
seconds of one thread, so that other programs on the machine do not decide them.

Training steps in the paper's shape, 2 prompts x 6 completions, two epochs: each prompt's gold is met twice, first
unknown, then kept. The completions are the reasoning of other rows, all of them different, which leaves nothing to
save within a group.
"""

import itertools
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from harness import compare, help_or_go
from material import reasonings

EPOCHS, STEPS, PROMPTS, GENERATIONS = 2, 2, 2, 6
LABEL = "Usually Appropriate"


def main() -> None:
    """Compare; all ways must give the same values."""
    import torch

    from acrflow import rewards
    from acrflow.models.embedder import embedder

    count, cpu = STEPS * PROMPTS, not torch.cuda.is_available()
    if cpu:
        torch.set_num_threads(1)
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
        model._cached.clear()  # as at the start of a training
        return [
            value
            for texts, golds in steps
            for value in reward(texts, appropriateness=[LABEL] * len(texts), traces=golds)
        ]

    def reference(embed: Callable[[list[str]], Any]) -> list[float]:
        return [
            one_at_a_time(embed, text, wanted)
            for texts, golds in steps
            for text, wanted in zip(texts, golds, strict=True)
        ]

    def baseline() -> list[float]:
        return reference(encode)

    def each_sentence() -> list[float]:
        return reference(lambda sentences: np.concatenate([encode([sentence]) for sentence in sentences]))

    def encode(sentences: list[str]) -> Any:
        return model._model.encode(sentences, normalize_embeddings=True, show_progress_bar=False)

    clock = time.process_time if cpu else time.perf_counter
    ours()  # once without the clock
    values, spent = [], []
    for way in (ours, baseline, each_sentence):
        begin = clock()
        values.append(way())
        spent.append(clock() - begin)
    np.testing.assert_allclose(values[0], values[1], atol=1e-4)
    np.testing.assert_allclose(values[0], values[2], atol=1e-4)
    compare(
        "reward_embedding",
        ours,
        baseline,
        amount=EPOCHS * count * GENERATIONS,
        unit="completions/s",
        processor=cpu,
        baseline_is="one completion at a time: its sentences, then its gold sentences, nothing kept",
        material=f"{kind} reasoning, {sum(map(len, traces)) / len(traces):.1f} sentences a text",
        shape=f"{EPOCHS} epochs of {STEPS} steps of {PROMPTS} prompts x {GENERATIONS} completions",
        ratio_one_sentence_at_a_time=round(spent[2] / spent[0], 2),
        wanted="ratio of at least 2 on a CPU, 8 on a GPU",
    )


def one_at_a_time(embed: Callable[[list[str]], Any], text: str, gold: list[str]) -> float:
    """The reward of one completion in the reference's way."""
    from acrflow.tasks import completion
    from acrflow.text.sentences import split_sentences

    parsed = completion.parse(text)
    if parsed.label != LABEL:
        return 0.0
    sentences = list(split_sentences(parsed.reasoning or "").sentences)
    return float((embed(gold) @ embed(sentences).T).max(axis=1).mean())


if __name__ == "__main__":
    help_or_go(__doc__)
    main()
