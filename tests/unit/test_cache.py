"""The cache of records: whole or not there, whatever happens to its files or its disk."""

import hashlib
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from eutils_programs import article
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from acrflow import schemas
from acrflow.evidence.cache import Cache
from acrflow.evidence.entrez import until_off_peak, wait_off_peak
from acrflow.evidence.reader import absent
from acrflow.io.errors import InputError
from acrflow.schemas.evidence import Records

PMID = 90_000_001
XML = f"<PubmedArticleSet>{article(PMID)}</PubmedArticleSet>".encode()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 256 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@given(place=st.integers(0, 2000), byte=st.integers(1, 255), length=st.none() | st.integers(0, 2000))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300, deadline=None)
def test_a_damaged_file_is_missing_or_reads_as_it_was(
    tmp_path: Path, place: int, byte: int, length: int | None
) -> None:
    cache = Cache(tmp_path)
    cache.store(PMID, XML)
    [file] = tmp_path.rglob("*.xml.gz")
    content = bytearray(file.read_bytes())
    content[place % len(content)] ^= byte
    file.write_bytes(content[:length])
    assert cache.load(PMID) in (None, XML)
    if length is not None and length < len(content):
        assert cache.load(PMID) is None and cache.damaged
    cache.store(PMID, XML)
    assert cache.load(PMID) == XML


def test_an_empty_file_is_missing(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.store(PMID, XML)
    next(tmp_path.rglob("*.xml.gz")).write_bytes(b"")  # which gzip takes for an empty text
    assert cache.load(PMID) is None
    assert cache.damaged == [PMID]


def test_a_full_disk_is_a_clear_error_and_keeps_what_is_whole(small_disk: Path) -> None:
    cache, stored = Cache(small_disk), []
    with pytest.raises(InputError, match=r"cannot keep PMID \d+: no space left.*\n.*free some space"):
        for pmid in range(PMID, PMID + 2000):
            cache.store(pmid, XML)
            stored.append(pmid)
    assert len(stored) > 10
    assert all(cache.load(pmid) == XML for pmid in stored)
    assert cache.load(stored[-1] + 1) is None
    assert not list(small_disk.rglob("*.tmp"))


def test_a_table_on_a_full_disk_is_a_clear_error(small_disk: Path) -> None:
    rows = [absent(pmid) | {"title": hashlib.sha256(b"%d" % pmid).hexdigest()} for pmid in range(20_000)]
    frame = pl.DataFrame(rows, schema=schemas.polars_schema(Records))
    with pytest.raises(InputError, match=r"records.parquet: no space left.*\n.*free some space"):
        schemas.write(Records, frame, small_disk / "records.parquet")
    assert not list(small_disk.iterdir())


@pytest.mark.parametrize(
    ("when", "hours"),
    [
        ("2026-11-18T17:00", 9),  # Wednesday noon in New York: until 9 pm
        ("2026-11-19T01:59", 1 / 60),
        ("2026-11-19T02:00", 0),
        ("2026-11-19T09:59", 0),
        ("2026-11-19T10:00", 16),  # 5 am: the day begins
        ("2026-11-21T17:00", 0),  # Saturday
        ("2026-11-22T23:00", 0),
        ("2026-11-23T10:00", 16),  # Monday
        ("2026-07-15T16:00", 9),  # summer time
    ],
)
def test_off_peak_hours_are_nights_and_weekends_in_new_york(when: str, hours: float) -> None:
    now = datetime.fromisoformat(when).replace(tzinfo=UTC)
    assert until_off_peak(now) == timedelta(hours=hours)


def test_a_large_job_waits_for_off_peak_hours_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    clock = [datetime(2026, 11, 18, 17, tzinfo=UTC)]

    def sleep(seconds: float) -> None:
        clock[0] += timedelta(seconds=seconds)

    wait_off_peak(100, lambda: clock[0], sleep)
    assert clock[0].hour == 17
    wait_off_peak(101, lambda: clock[0], sleep)
    assert clock[0] == datetime(2026, 11, 19, 2, tzinfo=UTC)
    assert "Waiting 9.0 h (evidence.off_peak: false" in capsys.readouterr().out
