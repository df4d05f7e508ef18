"""The engine that a program's command line asks for."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from acrflow.evidence import entrez
from acrflow.evidence.access import open_eutils
from acrflow.evidence.sources import Snapshot
from acrflow.io.errors import InputError
from acrflow.retrieval.engines import Engine, PubMedEngine, SnapshotEngine


@contextmanager
def open_engine(args: argparse.Namespace, queries: int) -> Iterator[Engine]:
    """The engine of `evidence.access.add_options`.

    Args:
        queries: how many there will be; more than 100 wait for NCBI's off-peak hours, unless all answers are cached.

    Raises:
        InputError: entrez without a cache, or no source at all.
    """
    if args.source == "none":
        raise InputError("--source", "none has nothing to search", "name entrez or a folder of EFetch XML files")
    if args.source != "entrez":
        yield SnapshotEngine(Snapshot(Path(args.source)).everything())
        return
    with open_eutils(args) as (eutils, cache), cache.alone():
        yield PubMedEngine(
            eutils,
            cache,
            args.cache / "searches",
            args.refresh_days,
            before=lambda: None if args.any_time else entrez.wait_off_peak(queries),
        )
