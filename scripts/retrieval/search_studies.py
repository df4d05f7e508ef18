"""Search PubMed, or a folder of its records, for studies of each condition with eight queries.

Every answer is cached beside the records: a killed run continues. A query that finds nothing, finds too much or
is no Boolean query has a status of its own and stops no other.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from acrflow.evidence.access import add_options
from acrflow.io.errors import run
from acrflow.retrieval import queries

if TYPE_CHECKING:
    from acrflow.config.retrieval import Rewriter
    from acrflow.retrieval.queries import Question


def main() -> None:
    args = _arguments()

    from acrflow import schemas
    from acrflow.config.retrieval import Retrieval
    from acrflow.evidence.entrez import progress_bar
    from acrflow.io.files import write_text
    from acrflow.io.ledger import Ledger
    from acrflow.retrieval.access import open_engine
    from acrflow.retrieval.search import fetchable, search
    from acrflow.schemas.evidence import Pmids
    from acrflow.schemas.guideline import Guidelines
    from acrflow.schemas.retrieval import Found, Queries

    settings = Retrieval.model_validate(json.loads(args.settings))
    guidelines = schemas.read(Guidelines, args.guidelines)
    asked = []
    for (topic, condition), rows in guidelines.group_by("topic", "condition", maintain_order=True):
        procedures = rows["procedure"].unique(maintain_order=True) if settings.per_procedure else ()
        asked += queries.questions(str(topic), str(condition), list(procedures))
    cited: dict[str, set[int]] = defaultdict(set)
    for topic, pmid in schemas.read(Pmids, args.pmids).select("topic", "pmid").drop_nulls().iter_rows():
        cited[topic].add(pmid)

    confined = queries.Filters.of(settings)
    rewriter = written(settings.rewriter, asked, args.rewriter_cache) if settings.rewriter else queries.mesh_query
    ledger = Ledger("search_studies", "queries")
    ledger.facts["rewriter"] = settings.rewriter.model if settings.rewriter else "mesh"
    with open_engine(args, len(asked)) as engine, progress_bar(len(asked), "queries", "Searching") as bar:
        table, found = search(
            asked, rewriter, confined, engine, settings.studies, cited, settings.hide_cited, ledger, bar.update
        )
    schemas.write(Queries, table, args.queries)
    schemas.write(Found, found, args.found)
    write_text(args.pmids_out, "".join(f"{pmid}\n" for pmid in fetchable(found)))
    ledger.write(args.ledger)


def written(settings: Rewriter, asked: Sequence[Question], cache: Path) -> queries.Rewriter:
    """A rewriter that looks up what a language model wrote."""
    from acrflow.inference.backend import Decoding
    from acrflow.inference.cache import CachedModel
    from acrflow.retrieval.search import with_imaging

    model = CachedModel.of(settings, cache, settings.batch)
    answers = queries.model_queries(asked, model, Decoding(settings.new_tokens))
    return lambda question, known: with_imaging(answers[question])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--guidelines", type=Path, required=True, help="guidelines.parquet: conditions and procedures")
    parser.add_argument("--pmids", type=Path, required=True, help="pmids.parquet: what the guidelines cite themselves")
    parser.add_argument("--settings", default="{}", help="JSON of the configuration's `retrieval` (default: its own)")
    parser.add_argument("--rewriter-cache", type=Path, help="JSON lines where a language model's queries are cached")
    add_options(parser)
    parser.add_argument("--queries", type=Path, required=True, help="queries.parquet to write")
    parser.add_argument("--found", type=Path, required=True, help="found.parquet to write")
    parser.add_argument(
        "--pmids-out", type=Path, required=True, help="text file to write: a PMID a line, to be fetched"
    )
    parser.add_argument("--ledger", type=Path, required=True, help="ledger to write (JSON)")
    return parser.parse_args()


if __name__ == "__main__":
    run(main)
