"""The Entrez client against a local E-utilities server: polite, complete, resumable, discreet."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest
from eutils_programs import articles
from eutils_server import FAULTS, GOOD_KEY, EutilsServer

from acrflow import schemas
from acrflow.evidence.cache import Cache
from acrflow.evidence.entrez import Entrez, Eutils, pause
from acrflow.evidence.matching import Matcher
from acrflow.evidence.sources import EntrezSource, collect_records
from acrflow.io.errors import InputError
from acrflow.io.http import PoliteClient
from acrflow.io.ledger import Ledger
from acrflow.schemas.evidence import Pmids, Records

ROOT = Path(__file__).resolve().parents[2]
FIRST = 90_000_001  # invented PMIDs stand outside the real range


def fetch(
    server: EutilsServer, pmids: list[int], cache: Path, between: float = 0.0, key: str | None = None, attempts: int = 8
) -> pl.DataFrame:
    """The records of these PMIDs through a client that hurries."""
    kept = Cache(cache)
    with PoliteClient(between, timeout=0.3, attempts=attempts, backoff=0.01, seed=0) as client:
        eutils = Eutils(server.url, "someone@example.org", key, client)
        source = EntrezSource(Entrez(eutils, kept), kept, Matcher(eutils, kept, cache / "citations"))
        return collect_records(source, pmids, Ledger("fetch_records", "PMIDs"))


@pytest.fixture
def program(tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """Starts fetch_records.py for PMIDs on a server, with files in tmp_path."""

    def start(
        url: str, pmids: list[int], key: str | None = None, *options: str, name: str = "records"
    ) -> subprocess.Popen[str]:
        rows = [("morvane", number, pmid, "given", str(pmid), "1", None) for number, pmid in enumerate(pmids)]
        frame = pl.DataFrame(rows, schema=schemas.polars_schema(Pmids), orient="row")
        schemas.write(Pmids, frame, tmp_path / "pmids.parquet")
        command = [sys.executable, str(ROOT / "scripts/evidence/fetch_records.py"), "--source", "entrez", "--url", url]
        command += ["--pmids", str(tmp_path / "pmids.parquet"), "--cache", str(tmp_path / "cache")]
        command += ["--email", "someone@example.org", "--backoff", "0.01", "--attempts", "3", *options]
        command += ["--out", str(tmp_path / f"{name}.parquet"), "--ledger", str(tmp_path / f"{name}.json")]
        environment = {name: value for name, value in os.environ.items() if name != "NCBI_API_KEY"}
        environment |= {"NCBI_API_KEY": key} if key else {}
        return subprocess.Popen(command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    return start


def test_many_pmids_take_few_requests_and_each_is_asked_for_once(tmp_path: Path) -> None:
    pmids = list(range(FIRST, FIRST + 1001))
    with EutilsServer(articles(pmids)) as server:
        records = fetch(server, [*pmids, *pmids], tmp_path)
    assert len(server.requests) == 6  # 1,001 PMIDs in batches of 200
    assert {request.method for request in server.requests} == {"POST"}
    assert server.served == pmids
    assert records["pmid"].to_list() == pmids
    assert set(records["status"]) == {"received"}


@pytest.mark.parametrize(("key", "limit"), [(None, 3), (GOOD_KEY, 10)])
def test_the_rate_is_never_exceeded_as_the_server_sees_it(tmp_path: Path, key: str | None, limit: int) -> None:
    pmids = list(range(FIRST, FIRST + 200 * (limit + 2)))
    with EutilsServer(articles(pmids), limited=True) as server:
        fetch(server, pmids, tmp_path, between=pause(key), key=key)
    assert server.refused == 0
    assert server.most_within(1.0) <= limit
    arrived = [request.arrived for request in server.requests]
    assert min(after - before for before, after in pairwise(arrived)) >= pause(key) >= 1 / limit


def test_faulty_answers_change_nothing_in_the_table(tmp_path: Path) -> None:
    there = list(range(FIRST, FIRST + 450))
    asked = [*there, FIRST + 1000, FIRST + 1001]  # the last two are unknown to the server
    with EutilsServer(articles(there)) as server:
        expected = fetch(server, asked, tmp_path / "well")
    with EutilsServer(articles(there), faults=[*FAULTS[:5], None, *FAULTS[5:], None, "429"], hang=0.6) as server:
        found = fetch(server, asked, tmp_path / "ill")
    for name, table in (("well", expected), ("ill", found)):
        schemas.write(Records, table, tmp_path / f"{name}.parquet")
    assert (tmp_path / "well.parquet").read_bytes() == (tmp_path / "ill.parquet").read_bytes()
    assert found.filter(pl.col("status") == "absent")["pmid"].to_list() == [FIRST + 1000, FIRST + 1001]
    assert sorted(server.served) == there  # none twice
    assert next(server.faults, None) is None  # every fault was met


def test_an_unknown_pmid_is_not_asked_for_again_by_the_next_run(tmp_path: Path) -> None:
    with EutilsServer(articles([FIRST])) as server:
        fetch(server, [FIRST, FIRST + 7], tmp_path)
        asked = len(server.requests)
        again = fetch(server, [FIRST, FIRST + 7], tmp_path)
    assert len(server.requests) == asked
    assert again["status"].to_list() == ["received", "absent"]


def test_a_week_later_an_unknown_pmid_is_asked_for_again(tmp_path: Path) -> None:
    with EutilsServer(articles([FIRST])) as server:
        fetch(server, [FIRST, FIRST + 7], tmp_path)
        later = Cache(tmp_path, now=lambda: time.time() + 8 * 86_400)
        assert later.load(FIRST + 7) is None
        assert later.load(FIRST) is not None
        assert Cache(tmp_path, refresh_days=7, now=lambda: time.time() + 8 * 86_400).load(FIRST) is None


def test_what_cannot_be_a_pmid_has_a_status_and_is_not_asked_for(tmp_path: Path) -> None:
    with EutilsServer(articles([FIRST])) as server:
        records = fetch(server, [FIRST, -3194700, 0, 123456789, FIRST], tmp_path)
    assert dict(records.select("pmid", "status").iter_rows()) == {
        -3194700: "absent", 0: "absent", FIRST: "received", 123456789: "absent"
    }  # fmt: skip
    assert [request.form["id"] for request in server.requests] == [str(FIRST)]


def test_a_wait_that_the_server_asks_for_is_kept(tmp_path: Path) -> None:
    with EutilsServer(articles([FIRST]), faults=["429"], retry_after="1") as server:
        fetch(server, [FIRST], tmp_path)
    first, second = server.requests
    assert second.arrived - first.arrived >= 1.0


def test_a_damaged_cache_file_is_fetched_again(tmp_path: Path) -> None:
    with EutilsServer(articles([FIRST, FIRST + 1])) as server:
        expected = fetch(server, [FIRST, FIRST + 1], tmp_path)
        [file] = tmp_path.rglob(f"{FIRST}.xml.gz")
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 0xFF
        file.write_bytes(content)
        assert fetch(server, [FIRST, FIRST + 1], tmp_path).equals(expected)
    assert server.served == [FIRST, FIRST + 1, FIRST]


def test_five_thousand_pmids_take_twenty_five_requests_within_the_rate(
    tmp_path: Path, program: Callable[..., subprocess.Popen[str]]
) -> None:
    pmids = list(range(FIRST, FIRST + 5000))
    with EutilsServer(articles(pmids), limited=True) as server:
        run = program(server.url, pmids, GOOD_KEY)
        output, _ = run.communicate(timeout=120)
    assert run.returncode == 0, output
    assert len(server.requests) == 25
    assert server.refused == 0 and server.most_within(1.0) <= 10
    assert server.served == pmids
    assert "disclaimer" in output
    assert "5000/5000" in output and "PMIDs/s" in output  # progress with its rate, though no terminal


def test_faults_and_kills_change_no_byte_of_the_table(
    tmp_path: Path, program: Callable[..., subprocess.Popen[str]]
) -> None:
    pmids = list(range(FIRST, FIRST + 4000))
    with EutilsServer(articles(pmids[:-7])) as server:  # seven are unknown to it
        output, _ = program(server.url, pmids, GOOD_KEY, name="faultless").communicate(timeout=60)
        assert len(server.served) == 3993, output
    shutil.rmtree(tmp_path / "cache")
    faults = [fault for kind in FAULTS for fault in (None, None, kind, None, None)]  # every fifth answer
    faults[faults.index("hang")] = None
    faults[6], faults[15] = "hang", "hang"  # during these the run is killed
    with EutilsServer(articles(pmids[:-7]), faults=faults, hang=30) as server:
        for requests in (7, 16):
            run = program(server.url, pmids, GOOD_KEY, "--attempts", "8")
            wait_until(server, requests)
            run.kill()
            run.communicate()
        last = program(server.url, pmids, GOOD_KEY, "--attempts", "8", "--timeout", "0.5")
        output, _ = last.communicate(timeout=60)
    assert last.returncode == 0, output
    assert sorted(server.served) == pmids[:-7]  # none twice, none lost
    faulty = len(server.requests) - len([request for request in server.requests if request.served])
    assert faulty / len(server.requests) > 0.2
    assert (tmp_path / "records.parquet").read_bytes() == (tmp_path / "faultless.parquet").read_bytes()


def test_two_runs_that_share_a_cache_are_one_client_to_the_server(
    tmp_path: Path, program: Callable[..., subprocess.Popen[str]]
) -> None:
    pmids = list(range(FIRST, FIRST + 1200))
    with EutilsServer(articles(pmids), limited=True) as server:
        runs = [program(server.url, pmids, GOOD_KEY, name=name) for name in ("one", "two")]
        outputs = [run.communicate(timeout=60)[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], outputs
    assert server.served == pmids and len(server.requests) == 6
    assert sum("another program fetches" in output for output in outputs) == 1
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()


def test_records_are_refreshed_by_age_on_request(tmp_path: Path, program: Callable[..., subprocess.Popen[str]]) -> None:
    with EutilsServer(articles([FIRST, FIRST + 1])) as server:
        fetch(server, [FIRST], tmp_path / "cache")
        Cache(tmp_path / "cache", now=lambda: time.time() - 40 * 86_400).store(FIRST, b"<PubmedArticleSet/>")
        shutil.copytree(tmp_path / "cache", tmp_path / "copied")  # the age survives a copy
        shutil.rmtree(tmp_path / "cache")
        (tmp_path / "copied").rename(tmp_path / "cache")
        fetch(server, [FIRST + 1], tmp_path / "cache")
        output, _ = program(server.url, [FIRST, FIRST + 1], None, "--refresh-days", "30").communicate(timeout=60)
        assert server.served == [FIRST, FIRST + 1, FIRST], output  # the fresh one is left alone
        program(server.url, [FIRST], None, "--refresh-days", "0").communicate(timeout=60)
    assert server.served[3:] == [FIRST]
    assert schemas.read(Records, tmp_path / "records.parquet")["status"].to_list() == ["received"]


def test_a_list_with_duplicates_letters_and_negatives_loses_nothing(
    tmp_path: Path, program: Callable[..., subprocess.Popen[str]]
) -> None:
    lines = ["90000001", "90000001", " 90000002 ", "-3194700", "PMC12", "", "12a", "²", "0", "90000007", "9" * 40]
    (tmp_path / "list.txt").write_text("\n".join(lines))
    with EutilsServer(articles([FIRST, FIRST + 1])) as server:
        output, _ = program(server.url, [], None, "--pmids", str(tmp_path / "list.txt")).communicate(timeout=60)
    assert dict(schemas.read(Records, tmp_path / "records.parquet").select("pmid", "status").iter_rows()) == {
        90000001: "received", 90000002: "received", 90000007: "absent"
    }, output  # fmt: skip
    ledger = json.loads((tmp_path / "records.json").read_text())
    assert (ledger["taken"], ledger["kept"], ledger["facts"]["asked_for_more_than_once"]) == (9, 2, 1)
    assert ledger["left_out"]["not a PMID"]["examples"] == ["-3194700", "PMC12", "12a", "²", "0", "9" * 40]
    assert ledger["left_out"]["absent: no such record"]["examples"] == ["90000007"]


def test_a_rejected_key_is_an_error_that_does_not_show_it(
    tmp_path: Path, program: Callable[..., subprocess.Popen[str]]
) -> None:
    with EutilsServer(articles([FIRST])) as server:
        run = program(server.url, [FIRST], "wrong-key-5f3a")
        output, _ = run.communicate(timeout=60)
    assert run.returncode == 2
    assert "ERROR NCBI_API_KEY: NCBI rejects this API key" in output
    assert "wrong-key-5f3a" not in output
    assert len(server.requests) == 1  # a wrong key is not tried again


def test_the_key_is_in_no_file_output_or_address(tmp_path: Path, program: Callable[..., subprocess.Popen[str]]) -> None:
    pmids = list(range(FIRST, FIRST + 3))
    with EutilsServer(articles(pmids), faults=["500", "cut-off"]) as server:
        run = program(server.url, pmids, GOOD_KEY)
        wait_until(server, 1)
        assert GOOD_KEY.encode() not in Path(f"/proc/{run.pid}/cmdline").read_bytes()  # what `ps` shows
        output, _ = run.communicate(timeout=60)
    assert run.returncode == 0, output
    assert {request.form["api_key"] for request in server.requests} == {GOOD_KEY}
    assert not any(GOOD_KEY in request.path for request in server.requests)
    assert GOOD_KEY not in output
    assert not any(GOOD_KEY.encode() in file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())


def test_no_network_is_a_clear_error_and_keeps_what_arrived(tmp_path: Path) -> None:
    pmids = list(range(FIRST, FIRST + 250))
    server = EutilsServer(articles(pmids), faults=[None, *["disconnected"] * 3])
    with server, pytest.raises(InputError, match=r"3 attempts failed.*\n.*check the network"):
        fetch(server, pmids, tmp_path, attempts=3)
    with pytest.raises(InputError, match="ConnectError"):
        fetch(server, pmids, tmp_path, attempts=2)  # the server is gone
    assert len(list(tmp_path.rglob("*.xml.gz"))) == 200


def test_a_wrong_address_is_an_error_at_once(tmp_path: Path) -> None:
    with EutilsServer({}) as server:
        server.url += "/elsewhere?"
        with pytest.raises(InputError, match="HTTP status 404"):
            fetch(server, [FIRST], tmp_path)
    assert len(server.requests) == 1


def wait_until(server: EutilsServer, requests: int, seconds: float = 30) -> None:
    """Wait until this many requests have reached the server."""
    end = time.monotonic() + seconds
    while len(server.requests) < requests:
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def test_a_long_wait_is_told_without_the_key(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with EutilsServer(articles([FIRST]), faults=["429"], retry_after="4") as server:
        waits: list[float] = []
        kept = Cache(tmp_path)
        with PoliteClient(0.0, backoff=0.01, sleep=waits.append) as client:
            Entrez(Eutils(server.url, None, GOOD_KEY, client), kept).fetch([FIRST])
    told = capsys.readouterr().err
    assert "efetch.fcgi: HTTP status 429; attempt 2 of 8 in 4 s" in told
    assert waits == [0.0, 4.0] and GOOD_KEY not in told
