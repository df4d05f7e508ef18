"""The source that a program's command line asks for."""

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from acrflow.io.errors import InputError

if TYPE_CHECKING:
    from acrflow.evidence.cache import Cache
    from acrflow.evidence.entrez import Eutils
    from acrflow.evidence.sources import Source

URL = "https://eutils.ncbi.nlm.nih.gov/entrez/eutils"


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options that say where records come from, the same in every program."""
    parser.add_argument("--source", required=True, help="entrez, none, or a folder of EFetch XML files")
    entrez = parser.add_argument_group("entrez", "The key, if you have one, is read from NCBI_API_KEY.")
    entrez.add_argument("--cache", type=Path, help="folder of fetched records, shared by all runs (entrez needs it)")
    entrez.add_argument("--refresh-days", type=float, help="fetch records older than this again (default: never)")
    entrez.add_argument("--any-time", action="store_true", help="do not wait for NCBI's off-peak hours (large jobs)")
    entrez.add_argument("--url", default=URL, help="base address of the E-utilities (default: NCBI's)")
    entrez.add_argument("--email", help="your address, which NCBI asks for")
    entrez.add_argument("--timeout", type=float, default=60.0, help="seconds without a byte (default: 60)")
    entrez.add_argument("--attempts", type=int, default=8, help="attempts per request (default: 8)")
    entrez.add_argument("--backoff", type=float, default=1.0, help="seconds before a second attempt (default: 1)")


@contextmanager
def open_source(args: argparse.Namespace) -> Iterator["Source"]:
    """The source of `add_options`, with NCBI's disclaimer shown where it is NCBI.

    Raises:
        InputError: entrez without a cache.
    """
    from acrflow.evidence import entrez, sources
    from acrflow.evidence.matching import Matcher

    if args.source != "entrez":
        yield sources.NoSource() if args.source == "none" else sources.Snapshot(Path(args.source))
        return
    before = (lambda requests: None) if args.any_time else entrez.wait_off_peak
    with open_eutils(args) as (eutils, cache):
        matcher = Matcher(eutils, cache, args.cache / "citations", before)
        yield sources.EntrezSource(entrez.Entrez(eutils, cache, before), cache, matcher)


@contextmanager
def open_eutils(args: argparse.Namespace) -> Iterator[tuple["Eutils", "Cache"]]:
    """The E-utilities of `add_options`, and the cache of their records; NCBI's disclaimer is shown.

    Raises:
        InputError: no cache is named.
    """
    from acrflow.evidence import entrez
    from acrflow.evidence.cache import Cache
    from acrflow.io.http import PoliteClient

    if args.cache is None:
        raise InputError("--cache", "entrez needs a folder to cache answers in", "give one, for instance cache/pubmed")
    print(entrez.DISCLAIMER)
    key = os.environ.get(entrez.KEY, "").strip() or None
    with PoliteClient(entrez.pause(key), args.timeout, args.attempts, args.backoff) as client:
        yield entrez.Eutils(args.url, args.email, key, client), Cache(args.cache, args.refresh_days)
