"""A base model small enough for unit tests, and a few examples to train it on."""

from pathlib import Path

import polars as pl
import pytest

from acrflow import schemas
from acrflow.config.base import TinyBase
from acrflow.schemas.dataset import Examples
from acrflow.synthetic import tiny_base as base
from acrflow.tasks import completion
from acrflow.tasks.appropriateness import LABELS
from acrflow.tasks.prompts import Prompt, load_prompt, messages, prompt_hash

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def prompts() -> list[Prompt]:
    """The shipped prompts."""
    return [load_prompt(path) for path in sorted((ROOT / "config/prompts").glob("*.yaml"))]


@pytest.fixture(scope="session")
def corpus() -> base.Corpus:
    """A few invented texts."""
    traces = ["CT is fast and useful in acute disease [1].", "Contrast can harm the kidney [2,3]."]
    return base.Corpus(
        rows=[
            {"condition": condition, "variant": variant, "procedure": procedure, "traces": traces}
            for condition, variant in (
                ("Telvic Pain", "Acute pain of the pelvis."),
                ("Ostrel Fever", "Pregnant. Fever."),
            )
            for procedure in ("CT pelvis with IV contrast", "US pelvis", "MRI chest without IV contrast")
        ],
        abstracts=["CT found the cause in 82 of 100 patients.", "Contrast was avoided."],
    )


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory, prompts: list[Prompt], corpus: base.Corpus) -> str:
    """Folder of a base model of 1 layer and 32 dimensions, trained for 30 steps (about 5 s)."""
    folder = tmp_path_factory.mktemp("models") / "base"
    settings = TinyBase(vocabulary=500, hidden=32, layers=1, steps=30, batch=16)
    base.make(corpus, base.tokenizer_for(corpus, prompts, settings, 1), prompts, settings, seed=1, out=folder)
    return str(folder)


@pytest.fixture(scope="session")
def examples(tmp_path_factory: pytest.TempPathFactory, prompts: list[Prompt], corpus: base.Corpus) -> dict[str, Path]:
    """Files of 12 examples, by prompt."""
    folder = tmp_path_factory.mktemp("examples")
    files = {}
    for prompt in prompts:
        rows = []
        for place in range(12):
            evidence = [{"number": 3, "pmid": 90_000_001, "text": "Contrast was avoided."}]
            row = {**corpus.rows[place % len(corpus.rows)], "procedure": f"CT {place}", "evidence": evidence}
            conversation, label = messages(prompt, row), LABELS[place % 3]
            rows.append(
                {
                    "id": f"{place:016x}",
                    "messages": conversation,
                    "completion": completion.write("CT is fast." if prompt.reasoned else None, label),
                    "appropriateness": label,
                    "traces": corpus.rows[0]["traces"],
                    "references": [],
                    "votes": None,
                    "prompt_tokens": 400,
                    "prompt_hash": prompt_hash(conversation),
                }
            )
        files[prompt.name] = folder / f"{prompt.name}.train.parquet"
        frame = pl.DataFrame(rows, schema=schemas.polars_schema(Examples))
        schemas.write(Examples, frame, files[prompt.name])
    return files
