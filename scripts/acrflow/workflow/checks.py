"""What is looked at before any work: a run that cannot end well does not begin."""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from acrflow.config.configuration import Config
from acrflow.guideline.topics import Topic
from acrflow.io.errors import InputError


def check_inputs(config: Config, topics: Sequence[Topic], warn: Callable[[str], None]) -> None:
    """Check that results can be written, and the user's documents, adapters and records be read.

    Args:
        warn: gets what is wrong with single topics, which fail while the others go on.

    Raises:
        InputError: one of them is not in order.
    """
    check_writable(config.results)
    if config.source == "table" and not Path(config.documents).is_file():
        remedy = "mend `documents` in the configuration"
        raise InputError(f"documents: {config.documents}", "the table is missing", remedy)
    if config.source == "folder":
        from acrflow.guideline.check import check_documents

        names = [topic.name for topic in topics]
        for topic, error in check_documents(Path(config.documents), names, config.publisher).items():
            warn(f"The topic {topic} will fail; the others go on.\n{error}")
    for name, adapter in config.adapters.items():
        start = adapter.init_from
        if start and start not in config.adapters and not Path(start).is_dir():
            remedy = "name an adapter of this configuration, or a folder with one in PEFT's format"
            raise InputError(f"adapters.{name}.init_from", f"no folder {start}", remedy)
    source = config.evidence.source
    if source not in ("entrez", "none", "invented") and not any(Path(source).glob("*.xml")):
        remedy = "set evidence.source to entrez, none, invented or such a folder"
        raise InputError(f"evidence.source: {source}", "no folder with EFetch XML files", remedy)


def check_writable(folder: str) -> None:
    """Check that results can be written, with a file, since root passes permission checks.

    Raises:
        InputError: they cannot.
    """
    path = Path(folder).absolute()
    nearest = next(parent for parent in [path, *path.parents] if parent.exists())
    try:
        tempfile.TemporaryFile(dir=nearest).close()
    except OSError as error:
        remedy = "set `results` to a folder you may write"
        raise InputError(f"results: {folder}", f"cannot write there ({error})", remedy) from None
