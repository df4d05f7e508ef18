"""References without a PMID: found by where they stand or by their title, and only if it is surely the study."""

import os
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from eutils_programs import PROGRAMS, article
from eutils_server import FAULTS, GOOD_KEY, EutilsServer
from programs import HANGING
from test_references import guideline, reference

from acrflow import schemas
from acrflow.evidence.cache import Cache
from acrflow.evidence.entrez import Eutils
from acrflow.evidence.matching import Match, Matcher
from acrflow.evidence.references import list_references
from acrflow.evidence.sources import NoSource, Snapshot
from acrflow.guideline.model import BibliographyEntry, write_guideline
from acrflow.io.http import PoliteClient
from acrflow.io.ledger import Ledger
from acrflow.schemas.evidence import Pmids

ROOT = Path(__file__).resolve().parents[2]
FIRST = 90_000_001
STUDIES = [
    ("Scans of morvane after a fall", (2011, 4, "17-23"), "Mirel AB"),
    ("Telvic pain in pregnant patients", (2012, 5, "100-9"), "Osta K"),
    ("Uptake of quillan mass on scans", (2013, 6, "e77"), "Peth C"),
    ("Ostrel fever and the early scan", (2014, 7, "1-8"), "Sim W"),
]
RECORDS = {
    FIRST + n: article(FIRST + n, title=title, place=place, author=author)
    for n, (title, place, author) in enumerate(STUDIES)
}
# as printed, and what must come of it
CASES = {
    "Mirel AB. Scans of morvane after a fall. J Invent Imaging. 2011;4(2):17-23.": (FIRST, "matched", "ECitMatch"),
    "Osta K. Telvic pain in pregnant patients. Unheard Of J. 5(1):100-9, 2012 May.": (FIRST + 1, "matched", "ESearch"),
    "Peth C. Uptake of quillan mass on scans. J Invent Imaging. 6:e77, 2012 Dec.": (FIRST + 2, "matched", "ESearch"),
    "Sim W. Quite another matter. J Invent Imaging. 2014;7(2):1-8.": (None, "not_found", "no record fits"),
    "Sim W. Ostrel fever and the early scan. J Invent Imaging. 2014;7(2):9-12.": (None, "not_found", "no record fits"),
    "Nobody N. A study never recorded by anyone. Unheard Of J. 2014;7(2):1-8.": (None, "not_found", "no record fits"),
    "Invented College. Criteria. Available at: https://example.org.": (
        None, "not_found", "the citation names no article",
    ),
}  # fmt: skip


def search(server: EutilsServer, citations: Iterable[str], folder: Path, now: float | None = None) -> list[Match]:
    with PoliteClient(0.0, timeout=2.0, backoff=0.01, seed=0) as client:
        eutils = Eutils(server.url, "someone@example.org", GOOD_KEY, client)
        matcher = Matcher(eutils, Cache(folder), folder / "citations", now=lambda: now or time.time())
        return matcher.search(list(citations))


def test_a_reference_is_matched_by_place_else_by_title_else_not(tmp_path: Path) -> None:
    with EutilsServer(RECORDS) as server:
        matches = search(server, CASES, tmp_path)
    assert dict(zip(CASES, matches, strict=True)) == {text: Match(*expected) for text, expected in CASES.items()}
    assert len(server.sent_to("ecitmatch.cgi")) == 1  # all in one request
    assert {request.method for request in server.requests} == {"POST"}


def test_two_studies_that_fit_are_ambiguous_and_neither_is_taken(tmp_path: Path) -> None:
    twin = {FIRST + 9: article(FIRST + 9, title=STUDIES[0][0], place=STUDIES[0][1], author="Mirel AB")}
    first = next(iter(CASES))
    with EutilsServer(RECORDS | twin) as server:
        [match] = search(server, [first], tmp_path)
    assert (match.pmid, match.status) == (None, "ambiguous")


def test_of_several_articles_at_a_place_the_title_decides(tmp_path: Path) -> None:
    other = {FIRST + 9: article(FIRST + 9, title="Letters to the editor", place=STUDIES[0][1])}
    crowd = {FIRST + n: article(FIRST + n, title=f"Letter {n} to all", place=STUDIES[0][1]) for n in range(10, 15)}
    first = next(iter(CASES))
    with EutilsServer(RECORDS | other) as server:
        assert search(server, [first], tmp_path / "two")[0].pmid == FIRST
        server.pubmed.records |= other | crowd  # "AMBIGUOUS (7 citations)" lists none
        assert search(server, [first], tmp_path / "many") == [Match(FIRST, "matched", "ESearch")]
        del server.pubmed.records[FIRST]
        assert search(server, [first], tmp_path / "none")[0].status == "ambiguous"


def test_faults_of_every_kind_change_no_match(tmp_path: Path) -> None:
    faults = [fault for one in FAULTS for fault in (one, None)]
    with EutilsServer(RECORDS, faults=faults, faulty=PROGRAMS, hang=4) as server:
        matches = search(server, CASES, tmp_path)
    assert [(match.pmid, match.status, match.by) for match in matches] == list(CASES.values())
    assert len(server.requests) > 15


def test_what_was_found_is_kept_and_a_miss_is_looked_up_again_after_a_week(tmp_path: Path) -> None:
    with EutilsServer(RECORDS) as server:
        expected = search(server, CASES, tmp_path)
        asked = len(server.requests)
        assert search(server, CASES, tmp_path) == expected
        assert len(server.requests) == asked
        next((tmp_path / "citations").rglob("*.json")).write_text("{")  # damaged: looked up again
        assert search(server, CASES, tmp_path) == expected
        assert len(server.requests) > asked
        missed = [text for text, (pmid, _, _) in CASES.items() if pmid is None]
        server.requests.clear()
        search(server, [next(iter(CASES)), *missed], tmp_path, now=time.time() + 8 * 86_400)
        terms = [request.form["bdata"] for request in server.sent_to("ecitmatch.cgi")]
        assert "|17|" not in terms[0] and "|9|" in terms[0]  # the match is not looked up again


def test_a_killed_run_goes_on_with_the_titles_that_are_left(tmp_path: Path) -> None:
    topic = guideline([reference(n, None) for n in range(1, len(CASES) + 1)])
    topic.bibliography = [BibliographyEntry(number=n, citation=text) for n, text in enumerate(CASES, start=1)]
    write_guideline(topic, tmp_path / "morvane.json")
    command = [
        sys.executable,
        str(ROOT / "scripts/evidence/list_references.py"),
        "--source",
        "entrez",
        "--email",
        "a@example.org",
    ]
    command += ["--guidelines", str(tmp_path / "morvane.json"), "--cache", str(tmp_path / "cache")]
    command += ["--out", str(tmp_path / "pmids.parquet"), "--ledger", str(tmp_path / "ledger.json")]
    environment = {**os.environ, "NCBI_API_KEY": GOOD_KEY}
    faults = [None, None, "hang"]  # two titles are done when the third hangs
    with EutilsServer(RECORDS, faults=faults, faulty=["esearch.fcgi"], hang=30) as server:
        run = subprocess.Popen([*command, "--url", server.url], env=environment, stdout=subprocess.PIPE, stderr=-2)
        end = time.monotonic() + HANGING
        while len(server.sent_to("esearch.fcgi")) < 3:
            assert time.monotonic() < end and run.poll() is None, run.communicate()
            time.sleep(0.01)
        run.kill()
        run.communicate()
        terms = [request.form["term"] for request in server.sent_to("esearch.fcgi")]
        server.requests.clear()
        subprocess.run(
            [*command, "--url", server.url], env=environment, check=True, timeout=HANGING, capture_output=True
        )
    again = [request.form["term"] for request in server.sent_to("esearch.fcgi")]
    assert not set(terms[:2]) & set(again) and terms[2] in again
    found = schemas.read(Pmids, tmp_path / "pmids.parquet")
    assert found["pmid"].to_list() == [pmid for pmid, _, _ in CASES.values()]


def test_a_snapshot_matches_without_a_network(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text(f"<PubmedArticleSet>{''.join(RECORDS.values())}</PubmedArticleSet>")
    found = Snapshot(tmp_path).search(list(CASES))
    expected = [pmid for pmid, _, _ in CASES.values()]
    assert [match.pmid for match in found] == expected
    assert NoSource().search(list(CASES))[0].pmid is None


def test_references_carry_their_status_and_the_ledger_names_them() -> None:
    topic = guideline(
        [reference(1, "90000003"), reference(2, "-3194700"), reference(3, None), reference(4, "letter")],
    )
    answers = {
        2: Match(90_000_007, "matched", "ECitMatch"),
        3: Match(None, "ambiguous", "ESearch: several fit"),
        5: Match(None, "not_found", "no record fits"),
    }

    def found(citations: Iterable[str]) -> list[Match]:
        return [answers[int(text.split()[-1].strip("."))] for text in citations]

    topic.bibliography = [BibliographyEntry(number=n, citation=f"Study {n}.") for n in (1, 2, 3, 5)]
    ledger = Ledger("list_references", "references")
    frame = list_references([topic], ledger, found)
    assert dict(frame.select("number", "status").iter_rows()) == {
        1: "given", 2: "matched", 3: "ambiguous", 4: "not_a_pmid", 5: "not_found"
    }  # fmt: skip
    assert frame.filter(number=2)["pmid"].item() == 90_000_007
    assert ledger.facts["matched"] == ["morvane [2]: 90000007"]
    left_out = {reason: entry["examples"] for reason, entry in ledger.as_dict()["left_out"].items()}
    assert left_out == {
        "no PMID printed; ESearch: several fit": ["morvane [3]"],
        "not a PMID": ["morvane [4]"],  # no citation to look it up by
        "cited by no appendix row; no record fits": ["morvane [5]"],
    }
    assert (ledger.taken, ledger.kept) == (5, 2)
