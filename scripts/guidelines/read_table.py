"""Read rated rows from a table (CSV, CSV.gz, Parquet, XLSX) in place of guideline documents."""

import argparse
from pathlib import Path

from acrflow.io import sandbox
from acrflow.io.errors import run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", type=Path, required=True, help="the table, with a header")
    parser.add_argument("--settings", required=True, help="the configuration's section `table`, as JSON")
    parser.add_argument("--topics", type=Path, help="topic list: topics to take and their names (default: all)")
    parser.add_argument("--leave-out", nargs="*", default=[], metavar="TOPIC", help="topics not to take")
    parser.add_argument("--held-out", nargs="*", default=[], metavar="TOPIC", help="topics that must have rows")
    parser.add_argument("--out", type=Path, required=True, help="guidelines.parquet")
    parser.add_argument("--ledger", type=Path, required=True, help="what was left out and why (JSON)")
    sandbox.one(lambda: read(parser.parse_args()), "give the table as the documentation says, of reasonable size")


def read(args: argparse.Namespace) -> None:
    from acrflow import schemas
    from acrflow.config.documents import Table
    from acrflow.guideline.table import held_out_are_there, read_table
    from acrflow.guideline.topics import read_topics
    from acrflow.io.ledger import Ledger
    from acrflow.schemas.guideline import Guidelines

    ledger = Ledger("read_table", "rows")
    topics = read_topics(args.topics) if args.topics else []
    table = read_table(args.table, Table.model_validate_json(args.settings), topics, args.leave_out, ledger)
    held_out_are_there(table, args.held_out, args.table)
    schemas.write(Guidelines, table, args.out)
    ledger.write(args.ledger)


if __name__ == "__main__":
    run(main)
