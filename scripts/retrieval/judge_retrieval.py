"""Judge the studies retrieved for each condition against the references of its guideline.

Recall at k before hiding, overlap by MeSH, likeness of findings by embedding, and evidence per row beside ACR's.
"""

import argparse
import json
from pathlib import Path

from acrflow.io.errors import run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--references", type=Path, required=True, help="pmids.parquet: what the guidelines cite")
    parser.add_argument("--records", type=Path, required=True, help="records.parquet of the cited studies")
    parser.add_argument("--condensed", type=Path, required=True, help="condensed.parquet of the cited studies")
    parser.add_argument(
        "--queries", type=Path, required=True, help="queries.parquet: which conditions were asked about"
    )
    parser.add_argument("--found", type=Path, required=True, help="found.parquet, hidden studies included")
    parser.add_argument("--found-records", type=Path, required=True, help="records.parquet of the studies found")
    parser.add_argument("--found-condensed", type=Path, required=True, help="condensed.parquet of the studies found")
    parser.add_argument("--rows", type=Path, nargs="+", required=True, help="rows of the splits, {split}.parquet")
    parser.add_argument("--assigned", type=Path, required=True, help="assigned.parquet")
    parser.add_argument("--settings", default="{}", help="JSON of the configuration's `retrieval` (default: its own)")
    parser.add_argument("--embedder", required=True, help="sentence embedder: hub name, folder, or `bundled`")
    parser.add_argument("--device", default="auto", help="where the embedder runs: auto, cpu, cuda (default: auto)")
    parser.add_argument("--draws", type=int, default=1000, help="bootstrap draws over conditions (default: 1000)")
    parser.add_argument("--seed", type=int, default=0, help="of the bootstrap (default: 0)")
    parser.add_argument("--out", type=Path, required=True, help="judgement.parquet to write")
    parser.add_argument("--ledger", type=Path, required=True, help="ledger to write (JSON)")
    args = parser.parse_args()

    import polars as pl

    from acrflow import schemas
    from acrflow.config.retrieval import Retrieval
    from acrflow.io.ledger import Ledger
    from acrflow.models.embedder import embedder
    from acrflow.retrieval import judge
    from acrflow.retrieval.queries import Filters
    from acrflow.schemas.dataset import Rows
    from acrflow.schemas.evidence import Condensed, Pmids, Records
    from acrflow.schemas.retrieval import Assigned, Found, Judgement, Queries

    settings = Retrieval.model_validate(json.loads(args.settings))
    topics = schemas.read(Queries, args.queries)["topic"].unique(maintain_order=True).to_list()
    references = schemas.read(Pmids, args.references).filter(pl.col("topic").is_in(topics))
    found = schemas.read(Found, args.found)
    cited = judge.Studies(
        references.select("topic", "pmid").drop_nulls().unique(maintain_order=True),
        schemas.read(Records, args.records),
        schemas.read(Condensed, args.condensed),
    )
    retrieved = judge.Studies(
        found.filter(~pl.col("cited")).select("topic", "pmid"),  # with them, the two sides would share studies
        schemas.read(Records, args.found_records),
        schemas.read(Condensed, args.found_condensed),
    )
    ledger = Ledger("judge_retrieval", "references")
    confined = Filters.of(settings)
    wanted = {
        judge.WITH_PMID: cited.pmids,
        judge.FINDABLE: judge.findable(references, cited.records, confined, ledger),
    }
    rows = {path.stem: schemas.read(Rows, path) for path in args.rows}
    shares = [
        *judge.recalls(found, topics, wanted),
        *judge.overlaps(retrieved, cited, topics),
        *judge.centres(retrieved, cited, topics, embedder(args.embedder, args.device).encode_cached),
        *judge.coverage(rows, schemas.read(Assigned, args.assigned)),
    ]
    judged = judge.table(shares, args.draws, args.seed)
    ledger.facts = {"embedder": args.embedder} | judge.facts(judged)
    schemas.write(Judgement, judged, args.out)
    ledger.write(args.ledger)


if __name__ == "__main__":
    run(main)
