"""Where the files lie that come with the library: Snakefile, configuration, prompts, profiles, pinned environments."""

from pathlib import Path

from acrflow.io.errors import InputError

ROOT = Path(__file__).resolve().parents[3]  # the repository, of which this library is scripts/acrflow


def shipped(name: str) -> Path:
    """A file or folder of the repository, for instance "config/prompts".

    Raises:
        InputError: the library was installed without the repository.
    """
    path = ROOT / name
    if not path.exists():
        remedy = "clone the repository and call `make install` there, or `pip install --editable` on the clone"
        raise InputError(path, "missing: the library stands here without the files of its repository", remedy)
    return path


def own_or_shipped(name: str) -> Path:
    """A file that a configuration names: the user's own if there is one, else the one that comes with the library.

    The shipped configuration names shipped files ("config/topics.tsv"); a run in another folder has none of that name
    and takes those. A name that is in neither place stays as it is, and whoever reads it says that it is missing.
    """
    own = Path(name)
    return own if own.exists() or not (ROOT / name).exists() else ROOT / name
