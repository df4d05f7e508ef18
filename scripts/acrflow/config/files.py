"""Configuration files, read as Snakemake reads them: the shipped one first, each further one laid over those before."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from acrflow.config import configuration
from acrflow.io.errors import InputError
from acrflow.io.shipped import shipped


def load_files(files: Sequence[Path]) -> configuration.Config:
    """The configuration that `snakemake --configfile FILES` works with.

    Raises:
        InputError: a file is missing or no YAML mapping, or the values are wrong.
    """
    from snakemake.utils import update_config  # takes a second to import

    values: dict[str, Any] = {}
    for file in [shipped("config/config.yaml"), *files]:
        update_config(values, _read(file))
    return configuration.load(values, " + ".join(map(str, files)) or "config/config.yaml")


def _read(file: Path) -> dict[str, Any]:
    """One file's keys."""
    remedy = "name a configuration file with --configfile, written like config/demo.yaml"
    try:
        values = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(file, f"cannot be read ({error.strerror})", remedy) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(file, f"not YAML: {error}", remedy) from None
    if not isinstance(values, dict):
        raise InputError(file, "holds no keys", remedy)
    return values
