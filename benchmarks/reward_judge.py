"""Texts per second of the reward `reasoning_judge`, against generating 100 tokens per text, one by one, and parsing.

The speed is that of a judge with random weights, whose opinion does not matter: 55 million parameters on a CPU, 1.8
billion on a GPU. Whether its two modes agree is asked of a small judge that was taught on the spot to rate reasoning
by its share of good sentences, in both forms of answer, from noisy scores; what agrees there is the reading of one
judge's opinion in two ways, not two judges.
"""

import json
import random
import sys
import tempfile
from pathlib import Path
from typing import Any

from harness import ROOT, compare, help_or_go
from material import random_model, reasonings

sys.path.insert(0, str(ROOT / "scripts"))

PROMPTS, GENERATIONS, TOKENS = 2, 6, 100
TAUGHT_STEPS, ASKED = 300, 120
GOOD = ("The scan shows the cause", "It is fast and safe", "It avoids a second visit", "It finds small stones")
BAD = ("The sky is often grey", "Trains run on Sundays", "A museum opens at nine", "Rain fell in the town")


def main() -> None:
    """Compare the speeds, then measure the agreement."""
    import torch

    from acrflow import rewards
    from acrflow.models.judge import Judge
    from acrflow.rewards.reasoning_judge import QUESTION, THREE_SCORES, read_scores

    gpu = torch.cuda.is_available()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        traces, kind = reasonings(PROMPTS * (1 + GENERATIONS), folder)
        texts = [" ".join(sentences) for sentences in traces]
        parameters = random_model(texts, *((2048, 32) if gpu else (640, 9)), folder / "judge")
        judge = Judge(str(folder / "judge"))
        gold = [traces[prompt] for prompt in range(PROMPTS) for _ in range(GENERATIONS)]
        said = texts[PROMPTS:]
        completions = [f"<think>{text}</think><answer>Usually Appropriate</answer>" for text in said]
        questions = [
            QUESTION.format(gold="\n".join(wanted), reasoning=text) + THREE_SCORES
            for wanted, text in zip(gold, said, strict=True)
        ]
        tokens = judge._tokens(questions)["attention_mask"].sum(1).float().mean()
        reward = rewards.load("reasoning_judge", {"least_mass": 0.0}, {"judge": lambda: judge})
        compare(
            "reward_judge",
            lambda: reward(completions, traces=gold),
            lambda: [read_scores(generate(judge, question)) for question in questions],
            amount=len(questions),
            unit="texts/s",
            runs=3,
            baseline_is=f"{TOKENS} tokens generated per text, one text at a time, JSON parsed",
            material=f"{kind} reasoning, {PROMPTS} prompts x {GENERATIONS} completions, {tokens:.0f} tokens a question",
            judge=f"{parameters / 1e6:.0f} M parameters, random weights",
            agreement=agreement(folder / "taught"),
            wanted="ratio of at least 6 on a CPU, 20 on a GPU",
        )


def generate(judge: Any, question: str) -> str:
    """100 tokens, no fewer, for one question."""
    import torch
    from transformers import GenerationConfig

    tokens = judge._tokens([question])
    config = GenerationConfig(max_new_tokens=TOKENS, min_new_tokens=TOKENS, do_sample=False, pad_token_id=0)
    with torch.inference_mode():
        output = judge._model.generate(
            input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"], generation_config=config
        )
    return str(judge._tokenizer.decode(output[0, tokens["input_ids"].shape[1] :], skip_special_tokens=True))


def agreement(folder: Path) -> dict[str, Any]:
    """Teach a small judge and compare its two modes on reasoning that it has not seen."""
    import numpy as np
    from scipy.stats import spearmanr

    from acrflow import rewards
    from acrflow.models.judge import Judge

    draw = random.Random(11)
    teach(folder, draw)
    judge = Judge(str(folder), "cpu")
    good = [draw.randint(0, 10) for _ in range(ASKED)]
    texts = [f"<think>{say(share, draw)}</think>" for share in good]
    traces = [[f"{draw.choice(GOOD)}."] for _ in good]
    modes = [
        rewards.load("reasoning_judge", {"mode": mode}, {"judge": lambda: judge})(texts, traces=traces)
        for mode in ("expected_score", "generate")
    ]
    both = [pair for pair in zip(*modes, good, strict=True) if None not in pair[:2]]
    expected, generated, truth = (np.array(values, dtype=float) for values in zip(*both, strict=True))
    return {
        "judge": f"taught on the spot in {TAUGHT_STEPS} steps",
        "texts": ASKED,
        "unreadable": {"expected_score": modes[0].count(None), "generate": modes[1].count(None)},
        "spearman": round(float(spearmanr(expected, generated).statistic), 3),
        "mean_absolute_difference": round(float(np.abs(expected - generated).mean()), 3),
        "spearman_with_the_truth": {
            "expected_score": round(float(spearmanr(expected, truth).statistic), 3),
            "generate": round(float(spearmanr(generated, truth).statistic), 3),
        },
    }


def teach(folder: Path, draw: random.Random) -> None:
    """Make and save a judge of about a million parameters."""
    from acrflow.config.base import TinyBase
    from acrflow.rewards.reasoning_judge import ASPECTS, ONE_SCORE, QUESTION, THREE_SCORES
    from acrflow.synthetic.tiny_base import make_model, make_tokenizer, train

    conversations = []
    settings = TinyBase(steps=TAUGHT_STEPS, batch=16)
    for at in range(settings.steps * settings.batch):
        share = draw.randint(0, 10)
        question = QUESTION.format(gold=f"{draw.choice(GOOD)}.", reasoning=say(share, draw))
        noisy = [min(9, max(0, share + draw.choice((-1, 0, 0, 1)))) for _ in ASPECTS]
        if at % 2:
            asked, answer = THREE_SCORES, json.dumps(dict(zip(ASPECTS, noisy, strict=True)))
        else:
            asked, answer = ONE_SCORE.format(highest=9), str(noisy[0])
        conversations.append([{"role": "user", "content": question + asked}, {"role": "assistant", "content": answer}])
    tokenizer = make_tokenizer(conversations[:500], settings.vocabulary)
    model = make_model(tokenizer, settings.hidden, settings.layers, 1)
    train(model, tokenizer, conversations, settings, lambda step, loss: None)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def say(share: int, draw: random.Random) -> str:
    """Ten sentences, `share` of them good."""
    sentences = [draw.choice(GOOD) for _ in range(share)] + [draw.choice(BAD) for _ in range(10 - share)]
    draw.shuffle(sentences)
    return ". ".join(sentences) + "."


if __name__ == "__main__":
    help_or_go(__doc__)
    main()
