"""Every table of the workflow, declared once, checked where it is written and where it is read.

Columns carry the field's terms. Keys: a *row* is one condition x variant x procedure and has the `id` that
`row_id` gives; a reference is (topic, number); a study is a pmid.

May import the rooms from `io` up to `config`.
"""

from pathlib import Path

import pandera.polars as pa
import polars as pl

from acrflow.io.errors import InputError
from acrflow.io.files import whole


class Table(pa.DataFrameModel):
    """What all tables share: exactly the declared columns, with exactly the declared types."""

    class Config:
        strict = True


def polars_schema(table: type[Table]) -> dict[str, pl.DataType]:
    """Column names and polars types of a table, for `pl.DataFrame(rows, schema=...)`."""
    return {name: column.dtype.type for name, column in table.to_schema().columns.items()}


def write(table: type[Table], frame: pl.DataFrame, path: Path) -> None:
    """Check `frame` against its table and write it as Parquet, whole or not at all."""
    checked = table.validate(frame)
    with whole(path) as temporary:
        checked.write_parquet(temporary)


def read(table: type[Table], path: Path) -> pl.DataFrame:
    """Read a table and check it.

    Raises:
        InputError: the file is missing, is no Parquet file, or does not have the table's columns.
    """
    try:
        return table.validate(pl.read_parquet(path))
    except FileNotFoundError:
        remedy = "check the path, or build it: snakemake --profile PROFILE, with the run's configuration"
        raise InputError(path, "the table is missing", remedy) from None
    except (pl.exceptions.PolarsError, pa.errors.SchemaError) as error:
        remedy = "delete the file and run snakemake again"
        raise InputError(path, f"not a table of {table.__name__}: {error}", remedy) from error
