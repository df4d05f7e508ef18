"""Publishers of guidelines: how each names its documents, how these are read, and where they can be downloaded.

A publisher is a module of this package, found by its name as a reward is; nothing else changes. One whose documents are
a CSV file a topic is written like this, in `publishers/<name>.py`:

    def look(path):
        ...  # raise InputError where the file is plainly no such document; milliseconds

    def read(documents):
        rows = csv.DictReader(open(documents["ratings"], encoding="utf-8", newline=""))
        ...
        return Witnesses(Ratings(documents["ratings"], "line 1", title, variants))

    PUBLISHER = Publisher({"ratings": Document(("ratings.csv",))}, look, read)

The configuration's `publisher: <name>` then takes it. A key of study quality of its own is translated by `read`.
This package imports no publisher, so that one who reads tables loads no PDF library.
"""

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from acrflow.guideline.witnesses import Witnesses
from acrflow.io.errors import InputError


@dataclass(frozen=True)
class Document:
    """One of a topic's documents: the file names it may have, of which the first that is there is read."""

    files: tuple[str, ...]
    needed: bool = True


@dataclass(frozen=True)
class Addresses:
    """Where a publisher has its documents, and whose terms must be accepted before anything is requested.

    Attributes:
        url: base address of the lists.
        pages: file name -> page and query below `url`, with `{acr_id}`, `{panel}`, `{title}` of the topic list; None:
            not wanted.
        owner: whose terms, as a sentence says it: "the ACR".
        consent: the key of the configuration's `download` with which the user accepts them.
    """

    url: str
    pages: Mapping[str, str | None]
    owner: str
    consent: str


@dataclass(frozen=True)
class Publisher:
    """A publisher.

    Attributes:
        documents: kind -> document, in the order in which a message names them.
        look: takes one needed document's path and raises InputError where it is plainly no such document.
        read: takes the path of each kind that is there and gives what they say; raises InputError with the place.
        addresses: None where nothing can be downloaded.
    """

    documents: Mapping[str, Document]
    look: Callable[[Path], None]
    read: Callable[[Mapping[str, Path]], Witnesses]
    addresses: Addresses | None = None

    @property
    def needed(self) -> list[tuple[str, ...]]:
        """The file names of each document that a topic cannot do without."""
        return [document.files for document in self.documents.values() if document.needed]


def load(name: str) -> Publisher:
    """The publisher of this name.

    Raises:
        InputError: there is none.
    """
    known = sorted(module.name for module in pkgutil.iter_modules(__path__))
    if name not in known:
        raise InputError("publisher", f"unknown publisher '{name}'", f"use one of {', '.join(known)}")
    publisher: Publisher = importlib.import_module(f"{__name__}.{name}").PUBLISHER
    return publisher
