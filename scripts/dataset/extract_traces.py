"""Extract traces: the narrative's reasoning on each row as one-fact sentences with their [n]."""

import argparse
from pathlib import Path

from acrflow.io.errors import run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--guidelines", type=Path, required=True, help="guidelines.parquet")
    parser.add_argument("--out", type=Path, required=True, help="traces.parquet, one row per sentence")
    parser.add_argument(
        "--ledger", type=Path, required=True, help="JSON: rows taken, kept, and left out for want of text"
    )
    parser.add_argument("--threads", type=int, default=1, help="processes that split the text (default: 1)")
    args = parser.parse_args()

    from acrflow import schemas
    from acrflow.dataset.traces import extract
    from acrflow.io.ledger import Ledger
    from acrflow.schemas.dataset import Traces
    from acrflow.schemas.guideline import Guidelines

    ledger = Ledger("extract_traces", "rows")
    traces = extract(schemas.read(Guidelines, args.guidelines), ledger, args.threads)
    schemas.write(Traces, traces, args.out)
    ledger.write(args.ledger)
    print(f"{len(traces)} traces, {ledger.facts['traces_with_citation']} of them with citations")


if __name__ == "__main__":
    run(main)
