"""Build the dataset: labelled rows with gold traces and selected evidence, split, checked for leaks."""

import argparse
from pathlib import Path

from acrflow.io.errors import run


def main() -> None:
    args = _arguments()

    from acrflow import schemas, tasks
    from acrflow.dataset import build, leaks
    from acrflow.dataset.split import split
    from acrflow.io.files import write_json
    from acrflow.io.ledger import Ledger
    from acrflow.models.tokenizer import counter, load_tokenizer
    from acrflow.schemas.dataset import Traces, rows_table
    from acrflow.schemas.evidence import Condensed, Pmids
    from acrflow.schemas.guideline import Guidelines

    task, ledger = tasks.load(args.task), Ledger("build_dataset", "rows")
    guidelines = schemas.read(Guidelines, args.guidelines)
    labelled = build.label_rows(guidelines, args.disagreement, ledger)
    studies, missing = build.gather_studies(schemas.read(Pmids, args.pmids), schemas.read(Condensed, args.condensed))
    count = counter(load_tokenizer(args.tokenizer, args.revision), build.study_lines(studies))
    traces = schemas.read(Traces, args.traces)
    rows = build.complete_rows(labelled, traces, studies, args.evidence_tokens, count)
    splits = split(task.make_rows(rows), args.split, args.test_share, args.seed, args.generalization, task)._asdict()
    ledger.facts = {
        "without_reasoning": rows["traces"].list.len().eq(0).sum(),
        "references": build.reference_facts(labelled, rows, missing),
        "splits": {name: leaks.label_counts(part, task) for name, part in splits.items()},
    }
    others = {name: splits[name] for name in list(splits)[1:]}
    leaked = leaks.report(splits["train"], others, args.near_duplicate, task)

    for part, path in zip(splits.values(), (args.train, args.test, args.generalization_out), strict=True):
        schemas.write(rows_table(task), part, path)
    write_json(args.leaks, leaked)
    ledger.write(args.ledger)
    print(", ".join(f"{name} {len(part)} rows" for name, part in splits.items()))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--guidelines", type=Path, required=True, help="guidelines.parquet")
    parser.add_argument("--task", default="appropriateness", help="what is asked of a model (default: appropriateness)")
    parser.add_argument("--traces", type=Path, required=True, help="traces.parquet")
    parser.add_argument("--pmids", type=Path, required=True, help="pmids.parquet")
    parser.add_argument("--condensed", type=Path, required=True, help="condensed.parquet")
    parser.add_argument("--tokenizer", required=True, help="folder or hub name of the base model")
    parser.add_argument("--revision", help="commit of the hub repository (default: its newest)")
    parser.add_argument("--split", choices=["row", "variant", "topic"], default="row", help="unit kept on one side")
    parser.add_argument("--test-share", type=float, default=0.3, help="share of the units that test (default: 0.3)")
    parser.add_argument("--seed", type=int, required=True, help="seed of the split")
    parser.add_argument(
        "--disagreement", choices=["drop", "keep"], default="drop", help="rows rated so: drop, or May Be Appropriate"
    )
    parser.add_argument("--evidence-tokens", type=int, required=True, help="budget of a row's evidence, in tokens")
    parser.add_argument("--generalization", nargs="*", default=[], metavar="TOPIC", help="topics held out whole")
    parser.add_argument(
        "--near-duplicate", type=float, default=0.9, help="cosine similarity of a near duplicate (default: 0.9)"
    )
    parser.add_argument("--train", type=Path, required=True, help="train.parquet, written")
    parser.add_argument("--test", type=Path, required=True, help="test.parquet, written")
    parser.add_argument("--generalization-out", type=Path, required=True, help="generalization.parquet, written")
    parser.add_argument("--leaks", type=Path, required=True, help="leaks.json, written")
    parser.add_argument("--ledger", type=Path, required=True, help="JSON: rows taken, kept and left out, with reasons")
    return parser.parse_args()


if __name__ == "__main__":
    run(main)
