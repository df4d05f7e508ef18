"""Let a language model write the reasoning as one-fact sentences; where the checker doubts them, split sentences stand.

What is done is cached, batch by batch, and taken up by the next call.
"""

import argparse
import json
from pathlib import Path

from acrflow.io.errors import run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sentences", type=Path, required=True, help="traces as the sentence splitter made them")
    parser.add_argument("--guidelines", type=Path, required=True, help="guidelines.parquet, with the texts")
    parser.add_argument("--settings", required=True, help="JSON of the section dataset.distiller of the configuration")
    parser.add_argument("--cache", type=Path, required=True, help="JSON lines where generated texts are cached")
    parser.add_argument("--out", type=Path, required=True, help="traces.parquet to write")
    parser.add_argument("--ledger", type=Path, required=True, help="ledger to write (JSON)")
    args = parser.parse_args()

    from acrflow import schemas
    from acrflow.config.dataset import Distiller
    from acrflow.dataset.distill import distill
    from acrflow.evidence.entrez import progress_bar
    from acrflow.inference.backend import Decoding
    from acrflow.inference.cache import CachedModel
    from acrflow.io.ledger import Ledger
    from acrflow.schemas.dataset import Traces
    from acrflow.schemas.guideline import Guidelines

    wanted = Distiller.model_validate(json.loads(args.settings))
    model = CachedModel.of(wanted, args.cache, wanted.batch)
    sentences = schemas.read(Traces, args.sentences)
    guidelines = schemas.read(Guidelines, args.guidelines)
    ledger = Ledger("distill_traces", "texts")
    ledger.facts["model"] = wanted.model
    with progress_bar(guidelines["reasoning"].n_unique(), "texts", "Distilling") as bar:
        traces = distill(
            sentences,
            guidelines,
            model,
            Decoding(wanted.new_tokens, temperature=wanted.temperature),
            wanted.attempts,
            ledger,
            bar.update,
        )
    schemas.write(Traces, traces, args.out)
    ledger.write(args.ledger)
    print(f"{ledger.kept} of {ledger.taken} texts distilled, {len(traces)} traces")


if __name__ == "__main__":
    run(main)
