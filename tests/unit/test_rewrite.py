"""A model's condensed text is believed only where every number in it stands in the abstract."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from eutils_programs import article
from hypothesis import given
from hypothesis import strategies as st
from test_server import ChatServer

from acrflow import schemas
from acrflow.config.language_model import LanguageModel
from acrflow.evidence.condense import condense
from acrflow.evidence.reader import absent, read_records
from acrflow.evidence.rewrite import rewrite, why_not
from acrflow.inference.backend import Conversation, Decoding, Generated
from acrflow.inference.cache import CachedModel
from acrflow.io.ledger import Ledger
from acrflow.schemas.evidence import Condensed, Records
from acrflow.text.numbers import unsupported_numbers

ROOT = Path(__file__).resolve().parents[2]
FIRST = 90_000_001
ABSTRACT = "We scanned 120 adults. Uptake rose in 1,234 of 2000 scans (61.7%, 95% CI 58-.65; p < 0.050). Nine died."


@pytest.mark.parametrize(
    "text",
    [
        "Uptake rose in 1234 of 2,000 scans (61.70 %; CI 58-0.65).",
        "Nine died, p<.05.",
        "Uptake rose.",
    ],
)
def test_numbers_of_the_abstract_may_be_spelled_otherwise(text: str) -> None:
    assert why_not(text, ABSTRACT) is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Uptake rose in 61.8%.", "a number that is not in the abstract"),
        ("Uptake rose in 12 adults.", "a number that is not in the abstract"),
        ("Twelve died.", "a number that is not in the abstract"),
        ("9 died.", "a number that is not in the abstract"),
        ("p < 0.5", "a number that is not in the abstract"),
        ("", "empty answer"),
        (f"{ABSTRACT} Nine died.", "longer than the abstract"),
    ],
)
def test_a_text_that_fails_the_check_is_told_why(text: str, why: str) -> None:
    assert why_not(text, ABSTRACT) == why


numbers = st.one_of(st.integers(0, 99_999).map(str), st.decimals(0, 999, places=2).map(str))


@given(st.lists(numbers, min_size=1, max_size=8), numbers)
def test_every_foreign_number_is_found_and_no_own_one(own: list[str], foreign: str) -> None:
    source = " ".join(f"{number} scans rose," for number in own)
    assert unsupported_numbers(source, source) == []
    if float(foreign) not in map(float, own):
        assert unsupported_numbers(f"{source} and {foreign} fell", source) == [foreign]


def studies(count: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Records of unlike lengths, the last retracted or absent, and what the rule makes of them."""
    texts = [
        f"<AbstractText>{'We scan. ' * n}Uptake rose in {n} % of {100 + n} cases.</AbstractText>" for n in range(count)
    ]
    xml = "".join(article(FIRST + n, text) for n, text in enumerate(texts))
    xml += article(FIRST + count, types="Retracted Publication")
    read = [*read_records(f"<PubmedArticleSet>{xml}</PubmedArticleSet>".encode()), absent(FIRST + count + 1)]
    records = pl.DataFrame(read, schema=schemas.polars_schema(Records), orient="row")
    return condense(records, "findings", Ledger("condense_abstracts", "studies")), records


class Scripted:
    """A backend that says what `say` makes of a prompt, and can be cut short after some batches."""

    def __init__(self, say: Callable[[str], str], batches: int = 99):
        self.say, self.batches, self.asked = say, batches, 0

    def generate(
        self, conversations: Sequence[Conversation], decoding: Decoding, batch_number: int, adapter: str | None = None
    ) -> list[Generated]:
        if self.batches == 0:
            raise KeyboardInterrupt
        self.batches -= 1
        self.asked += len(conversations)
        texts = [self.say(one[-1]["content"]) for one in conversations]
        return [Generated(text, len(text.split()), text.endswith("...")) for text in texts]

    def choose(self, *_: Any, **__: Any) -> list[list[float] | None]:
        raise AssertionError("a condenser writes, it does not choose")


def last_sentence(prompt: str) -> str:
    return "Uptake" + prompt.rpartition("Uptake")[2].partition(".")[0] + "."


def run(
    backend: Any, tables: tuple[pl.DataFrame, pl.DataFrame], cache: Path, identity: str = "a"
) -> tuple[pl.DataFrame, dict[str, Any]]:
    ledger = Ledger("rewrite_abstracts", "abstracts")
    model = CachedModel(lambda: backend, {"model": identity}, cache, 3)
    changed = rewrite(*tables, model, Decoding(50), ledger)
    return Condensed.validate(changed), ledger.as_dict()


def test_checked_texts_take_the_rules_place_and_the_others_leave_it(tmp_path: Path) -> None:
    def say(prompt: str) -> str:
        text = last_sentence(prompt)
        return {"1": "It rose in 77 %.", "2": "", "3": "Uptake rose in..."}.get(text.split()[3], text)

    condensed, records = studies(6)
    changed, ledger = run(Scripted(say), (condensed, records), tmp_path / "cache.jsonl")
    assert changed["rewritten"].to_list() == [True, False, False, False, True, True, None, None]
    assert changed["text"].to_list()[5] == "Uptake rose in 5 % of 105 cases."
    assert changed["words_after"].to_list()[5] == 8
    untouched = [1, 2, 3, 6, 7]
    assert changed[untouched].equals(condensed[untouched])
    assert {why: entry["examples"] for why, entry in ledger["left_out"].items()} == {
        "a number that is not in the abstract": [str(FIRST + 1)],
        "empty answer": [str(FIRST + 2)],
        "cut at the length limit": [str(FIRST + 3)],
    }
    assert (ledger["taken"], ledger["kept"]) == (6, 3)


def test_a_run_that_ends_early_goes_on_and_another_model_starts_over(tmp_path: Path) -> None:
    tables, cache = studies(9), tmp_path / "cache.jsonl"
    expected, _ = run(Scripted(last_sentence), tables, tmp_path / "whole.jsonl")
    with pytest.raises(KeyboardInterrupt):
        run(Scripted(last_sentence, batches=2), tables, cache)
    with open(cache, "ab") as file:
        file.write(b'["cut off')
    backend = Scripted(last_sentence)
    assert run(backend, tables, cache)[0].equals(expected)
    assert backend.asked == 3
    assert run(Scripted(last_sentence, batches=0), tables, cache)[0].equals(expected)  # nothing is left to do
    other = Scripted(last_sentence)
    run(other, tables, cache, identity="b")
    assert other.asked == 9


@pytest.fixture
def server() -> Iterator[ChatServer]:
    running = ChatServer()
    running.say = last_sentence
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield running
    running.shutdown()
    running.server_close()


def test_the_program_condenses_through_a_server(tmp_path: Path, server: ChatServer) -> None:
    condensed, records = studies(5)
    schemas.write(Condensed, condensed, tmp_path / "extracted.parquet")
    schemas.write(Records, records, tmp_path / "records.parquet")
    server.faults = [(500, "", {})]
    command = [sys.executable, str(ROOT / "scripts/evidence/rewrite_abstracts.py"), "--model", "m", "--url", server.url]
    command += ["--condensed", str(tmp_path / "extracted.parquet"), "--records", str(tmp_path / "records.parquet")]
    command += ["--key", "ACRFLOW_TEST_KEY", "--cache", str(tmp_path / "cache.jsonl")]
    command += ["--out", str(tmp_path / "condensed.parquet"), "--ledger", str(tmp_path / "ledger.json")]
    done = subprocess.run(
        command, env={**os.environ, "ACRFLOW_TEST_KEY": "sk-hidden"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    changed = schemas.read(Condensed, tmp_path / "condensed.parquet")
    assert changed["rewritten"].to_list() == [True] * 5 + [None] * 2
    assert json.loads((tmp_path / "ledger.json").read_text())["kept"] == 5
    assert {body["temperature"] for body in server.requests} == {0.0}
    assert "5/5" in done.stderr
    assert not any(b"sk-hidden" in file.read_bytes() for file in tmp_path.iterdir())


@pytest.mark.slow
def test_a_model_of_transformers_is_held_to_the_same_check(tmp_path: Path, tiny_base: str) -> None:
    tables = studies(3)
    settings = LanguageModel(model=tiny_base, backend="transformers", dtype="float32")
    ledger = Ledger("rewrite_abstracts", "abstracts")
    changed = rewrite(*tables, CachedModel.of(settings, tmp_path / "cache.jsonl", 2), Decoding(12), ledger)
    for row, record in zip(changed.iter_rows(named=True), tables[1].iter_rows(named=True), strict=True):
        if row["rewritten"]:
            assert not unsupported_numbers(row["text"], " ".join(one["text"] for one in record["sections"]))
    assert ledger.taken == 3
