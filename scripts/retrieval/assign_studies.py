"""Assign the studies found for each condition to its rows, best first, within the token budget, with the reasons."""

import argparse
from pathlib import Path

from acrflow.io.errors import run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=Path, nargs="+", required=True, help="the splits' rows")
    parser.add_argument("--queries", type=Path, required=True, help="queries.parquet: how PubMed names the conditions")
    parser.add_argument("--found", type=Path, required=True, help="found.parquet")
    parser.add_argument("--records", type=Path, required=True, help="records.parquet of the studies found")
    parser.add_argument("--condensed", type=Path, required=True, help="condensed.parquet of the studies found")
    parser.add_argument("--grades", type=Path, help="grades.parquet (default: likeness alone decides)")
    parser.add_argument("--tokenizer", required=True, help="folder or hub name of the base model")
    parser.add_argument("--revision", help="commit of the hub repository (default: its newest)")
    parser.add_argument("--tokens", type=int, required=True, help="budget of a row's evidence block, in tokens")
    parser.add_argument("--out", type=Path, required=True, help="assigned.parquet to write")
    parser.add_argument("--ledger", type=Path, required=True, help="ledger to write (JSON)")
    args = parser.parse_args()

    import polars as pl
    from tqdm import tqdm

    from acrflow import schemas
    from acrflow.io.ledger import Ledger
    from acrflow.models.tokenizer import count_tokens, load_tokenizer
    from acrflow.retrieval.assign import assign
    from acrflow.schemas.dataset import Rows
    from acrflow.schemas.evidence import Condensed, Records
    from acrflow.schemas.retrieval import Assigned, Found, Grades, Queries

    tokenizer = load_tokenizer(args.tokenizer, args.revision)
    rows = pl.concat(schemas.read(Rows, path) for path in args.rows)
    ledger = Ledger("assign_studies", "rows")
    with tqdm(total=rows.n_unique(["topic", "condition"]), desc="Assigning", unit="condition") as bar:
        assigned = assign(
            rows,
            schemas.read(Found, args.found),
            schemas.read(Queries, args.queries),
            schemas.read(Records, args.records),
            schemas.read(Condensed, args.condensed),
            schemas.read(Grades, args.grades) if args.grades else None,
            args.tokens,
            lambda lines: count_tokens(tokenizer, lines),
            ledger,
            bar.update,
        )
    schemas.write(Assigned, assigned, args.out)
    ledger.write(args.ledger)


if __name__ == "__main__":
    run(main)
