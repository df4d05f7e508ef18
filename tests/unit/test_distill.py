"""A model's facts take the place of split sentences only where they say what the source says."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from invented_guidelines import guidelines_of
from test_rewrite import ROOT, Scripted
from test_server import ChatServer

from acrflow import schemas
from acrflow.dataset.distill import distill, lines_of, why_not
from acrflow.dataset.traces import extract
from acrflow.inference.backend import Decoding
from acrflow.inference.cache import CachedModel
from acrflow.io.ledger import Ledger
from acrflow.schemas.dataset import Traces
from acrflow.schemas.guideline import Guidelines

SOURCE = (
    "CT of the elbow finds 95% of glimmers in adults [3], but it gives 1.5 mSv of radiation [1,4]. "
    "Ultrasound finds half of them and gives no radiation [1]."
)
GOOD = [
    "CT of the elbow finds 95% of glimmers in adults [3].",
    "CT of the elbow gives 1.5 mSv of radiation [1,4].",
    "Ultrasound finds half of the glimmers of the elbow and gives no radiation [1].",
]


def test_facts_that_say_what_the_source_says_are_believed() -> None:
    assert why_not(GOOD, SOURCE) is None


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ([], "empty answer"),
        ([*GOOD[:2], GOOD[2].replace("[1]", "[1,7]")], "a citation that the source does not have"),
        ([GOOD[0].replace(" [3]", ""), *GOOD[1:]], "a citation lost"),
        ([GOOD[2], *GOOD[:2]], "citations in another order"),
        ([GOOD[0].replace("95%", "96%"), *GOOD[1:]], "a number that the source does not have"),
        ([GOOD[0].replace("95% of ", ""), *GOOD[1:]], "a number lost"),
        (["CT 95% [3].", "CT 1.5 mSv [1,4].", "Half."], "much shorter than the source"),
        ([*GOOD, *[GOOD[0]] * 4], "much longer than the source"),
        ([*GOOD, "Dogs bark loudly whenever strangers knock."], "a fact in other words than the source's"),
    ],
)
def test_facts_that_fail_the_check_are_told_why(facts: list[str], why: str) -> None:
    assert why_not(facts, SOURCE) == why


def test_the_condition_and_the_heading_may_be_named() -> None:
    facts = [*GOOD[:2], "In quillan syndrome ultrasound finds half of them and gives no radiation [1]."]
    assert why_not(facts, SOURCE, "Quillan Syndrome US Elbow") is None


@given(st.lists(st.sampled_from(["CT finds it", "MRI is slow", "a 3-day course"]), min_size=1, max_size=6))
def test_the_sources_own_sentences_are_always_believed(openings: list[str]) -> None:
    sentences = [f"{opening} in {10 + place} of 100 adults [{place + 1}]." for place, opening in enumerate(openings)]
    assert why_not(sentences, " ".join(sentences)) is None


def test_list_signs_are_taken_off_and_numbers_stay() -> None:
    assert lines_of("- One fact.\n\n2. Another one.\n(3) Third.\n95% of them.\n") == [
        "One fact.",
        "Another one.",
        "Third.",
        "95% of them.",
    ]


def tables() -> tuple[pl.DataFrame, pl.DataFrame]:
    """Nine rows of three families; the rows of one family share their text."""
    guidelines = guidelines_of(topics=1).head(9)
    family = pl.int_range(pl.len()) // 3
    guidelines = guidelines.with_columns(
        heading=pl.format("Family {}", family),
        reasoning=pl.format(
            "Family {} helps in {} of 100 adults [{}]. It is slow [9].", family, family + 11, family + 1
        ),
    )
    return extract(guidelines, Ledger("extract_traces", "rows")), guidelines


def facts_of(prompt: str) -> str:
    """The text of a prompt with a line for each sentence."""
    text = prompt.rpartition("\n\n")[2]
    return text.replace(". It", ".\nThe family")


def run(backend: Any, cache: Path, attempts: int = 2) -> tuple[pl.DataFrame, dict[str, Any]]:
    ledger = Ledger("distill_traces", "texts")
    model = CachedModel(lambda: backend, {"model": "m"}, cache, 2)
    traces = distill(*tables(), model, Decoding(50), attempts, ledger)
    return Traces.validate(traces), ledger.as_dict()


def test_a_text_that_rows_share_is_asked_for_once_and_all_of_them_get_it(tmp_path: Path) -> None:
    backend = Scripted(facts_of)
    traces, ledger = run(backend, tmp_path / "cache.jsonl")
    assert (backend.asked, ledger["taken"], ledger["kept"]) == (3, 3, 3)
    assert traces["id"].n_unique() == 9
    assert traces.filter(position=1)["trace"].unique().to_list() == ["The family is slow [9]."]
    assert traces.filter(position=1)["citations"].to_list() == [[9]] * 9


def test_a_doubted_text_is_asked_again_and_then_gives_way_to_the_sentences(tmp_path: Path) -> None:
    said: dict[str, int] = {}

    def say(prompt: str) -> str:
        said[prompt] = said.get(prompt, 0) + 1
        if "Family 1 helps" in prompt:
            return "It helps in 77 of 100 adults [2]."
        return facts_of(prompt) if "Family 0 helps" in prompt or said[prompt] > 1 else "Nonsense."

    traces, ledger = run(Scripted(say), tmp_path / "cache.jsonl")
    assert sorted(said.values()) == [1, 2, 2]
    assert ledger["facts"]["believed_at_attempt"] == {"1": 1, "2": 1}
    assert {why: entry["count"] for why, entry in ledger["left_out"].items()} == {
        "a citation lost": 1,
    }
    sentences, guidelines = tables()
    doubted = guidelines.filter(heading="Family 1")["id"].to_list()
    order = ["id", "position"]
    stayed = pl.col("id").is_in(doubted)
    assert traces.filter(stayed).sort(order).equals(sentences.filter(stayed).sort(order))


def test_a_run_that_ends_early_asks_only_for_what_is_left(tmp_path: Path) -> None:
    expected, _ = run(Scripted(facts_of), tmp_path / "whole.jsonl")
    with pytest.raises(KeyboardInterrupt):
        run(Scripted(facts_of, batches=1), tmp_path / "cache.jsonl")
    backend = Scripted(facts_of)
    assert run(backend, tmp_path / "cache.jsonl")[0].equals(expected)
    assert backend.asked == 1


@pytest.fixture
def server() -> Iterator[ChatServer]:
    running = ChatServer()
    running.say = facts_of
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield running
    running.shutdown()
    running.server_close()


def test_the_program_distills_through_a_server(tmp_path: Path, server: ChatServer) -> None:
    sentences, guidelines = tables()
    schemas.write(Traces, sentences, tmp_path / "sentences.parquet")
    schemas.write(Guidelines, guidelines, tmp_path / "guidelines.parquet")
    settings = json.dumps({"model": "m", "backend": "server", "url": server.url, "key": "ACRFLOW_TEST_KEY"})
    command = [sys.executable, str(ROOT / "scripts/dataset/distill_traces.py"), "--settings", settings]
    for name in ("sentences", "guidelines"):
        command += [f"--{name}", str(tmp_path / f"{name}.parquet")]
    command += ["--cache", str(tmp_path / "cache.jsonl"), "--out", str(tmp_path / "traces.parquet")]
    command += ["--ledger", str(tmp_path / "ledger.json")]
    environment = {**os.environ, "ACRFLOW_TEST_KEY": "sk-hidden"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "3 of 3 texts distilled, 18 traces" in done.stdout
    assert "sk-hidden" not in done.stdout + done.stderr
    assert len(schemas.read(Traces, tmp_path / "traces.parquet")) == 18
