"""A look at the documents before any work: what is missing, unreadable or plainly no guideline. Milliseconds each."""

from pathlib import Path

from acrflow.guideline import publishers
from acrflow.io import sandbox
from acrflow.io.errors import InputError

SECONDS, MEGABYTES = 10.0, 300  # for one topic; the largest real one takes 0.02 s and 10 MB
AGAIN = "get the document again from its publisher and replace the file; or leave the topic out (topics.leave_out)"


def find_topics(folder: Path, publisher: str = "acr") -> list[str]:
    """Names of the sub-folders that hold a guideline document, sorted.

    Raises:
        InputError: the folder is missing or holds no topic.
    """
    folder = Path(folder)
    needed = [f"{first} (or {', '.join(others)})" if others else first for first, *others in _needed(publisher)]
    remedy = f"give a folder with one sub-folder per topic, each with {' and '.join(needed)}"
    if not folder.is_dir():
        raise InputError(folder, "there is no such folder", remedy)
    topics = sorted(path.name for path in folder.iterdir() if path.is_dir() and documents_of(path, publisher))
    if not topics:
        raise InputError(folder, "the folder holds no topic", remedy)
    return topics


def documents_of(folder: Path, publisher: str = "acr") -> dict[str, Path]:
    """The documents that a topic's folder holds, by kind; where it holds several of one kind, the first is read."""
    found = {}
    for kind, document in publishers.load(publisher).documents.items():
        there = [Path(folder) / file for file in document.files if (Path(folder) / file).is_file()]
        if there:
            found[kind] = there[0]
    return found


def refuse_missing(folders: list[Path], publisher: str) -> None:
    """See that every topic's folder holds the documents that it cannot do without.

    Raises:
        InputError: one is missing; all of them are named.
    """
    missing = []
    for folder in folders:
        for files in _needed(publisher):
            if not any((folder / file).is_file() for file in files):
                remedy = f"put the topic's {' or '.join(files)} there, or leave the topic out (topics.leave_out)"
                missing.append(InputError(folder / files[0], "the document is missing", remedy))
    if missing:
        raise together(missing)


def check_documents(folder: Path, topics: list[str], publisher: str = "acr") -> dict[str, InputError]:
    """See that every topic has its needed documents (of the ACR: narrative and appendix), and that they look like ones.

    Returns:
        for each topic that cannot be used, while others can, what the publisher's look says of its first bad document,
        or that it is too large.

    Raises:
        InputError: a document is missing, or no topic can be used; all such documents are named.
    """
    refuse_missing([Path(folder) / topic for topic in topics], publisher)
    errors = sandbox.each(lambda topic: _look(Path(folder) / topic, publisher), topics, AGAIN, SECONDS, MEGABYTES)
    bad = {topic: error for topic, error in zip(topics, errors, strict=True) if error is not None}
    if len(bad) == len(topics):
        raise together(list(bad.values()))
    return bad


def together(errors: list[InputError]) -> InputError:
    """Several errors as one, with the remedy of the first."""
    first, *others = errors
    also = "".join(f"\n  {error.where}: {error.what}" for error in others)
    return InputError(first.where, first.what + also, first.remedy)


def _needed(publisher: str) -> list[tuple[str, ...]]:
    return publishers.load(publisher).needed


def _look(folder: Path, name: str) -> None:
    publisher = publishers.load(name)
    found = documents_of(folder, name)
    for path in (found[kind] for kind, document in publisher.documents.items() if document.needed):
        sandbox.at(str(path))
        publisher.look(path)
