"""Score the reasoning of all models on all splits against the gold traces; the embedder and judge are loaded once."""

import argparse
import json
from pathlib import Path

from acrflow.io.errors import run

BATCH = 32  # questions to the judge in one forward pass


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--roster", type=Path, required=True, help="roster.json: the models and their examples")
    parser.add_argument("--predictions", type=Path, required=True, help="folder with {model}/{split}.greedy.parquet")
    parser.add_argument("--examples", type=Path, required=True, help="folder with {examples}.{split}.parquet")
    parser.add_argument("--rows", type=Path, nargs="+", required=True, help="the splits' rows, {split}.parquet")
    parser.add_argument("--terms", type=Path, nargs="+", required=True, help="rows whose terms make the gazetteer")
    parser.add_argument("--embedder", required=True, help="hub name, folder, or bundled")
    parser.add_argument("--entities", required=True, help="token-classification model, or gazetteer")
    parser.add_argument("--judge", help="hub name, folder, or base; without it, no judge's score")
    parser.add_argument("--base", required=True, help="the run's base model, for --judge base")
    parser.add_argument("--revision", help="commit of the base model's hub repository")
    parser.add_argument("--template", type=json.loads, default={}, help="JSON: options of the base's chat template")
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto", help="where the models run")
    parser.add_argument("--out", type=Path, required=True, help="reasoning.parquet")
    parser.add_argument("--ledger", type=Path, required=True, help="ledger.json")
    args = parser.parse_args()

    import polars as pl
    from tqdm import tqdm

    from acrflow import schemas
    from acrflow.config.roster import read_roster
    from acrflow.evaluation import entities, reasoning
    from acrflow.io.ledger import Ledger
    from acrflow.models.embedder import embedder
    from acrflow.models.judge import judge
    from acrflow.schemas.dataset import Examples, Rows
    from acrflow.schemas.evaluation import ReasoningScores
    from acrflow.schemas.inference import Predictions

    embed = embedder(args.embedder, args.device)
    rater = judge(args.judge, args.base, args.device, args.revision, args.template) if args.judge else None
    if args.entities == entities.GAZETTEER:
        find = entities.gazetteer(pl.concat([schemas.read(Rows, path) for path in args.terms]))
    else:
        find = entities.token_classifier(args.entities, args.device)

    def rate(questions: list[str]) -> list[float | None]:
        scores: list[float | None] = []
        for start in range(0, len(questions), BATCH):
            scores += rater.expected_scores(questions[start : start + BATCH], reasoning.LEAST_MASS) if rater else []
        return scores

    ledger = Ledger("score_reasoning", "answers")
    tables = []
    models = [model for model in read_roster(args.roster).models if model.reasons]
    with tqdm(total=len(models) * len(args.rows), desc="reasoning", unit="table") as bar:
        for path in args.rows:
            rows = schemas.read(Rows, path)
            for model in models:
                predictions = schemas.read(Predictions, args.predictions / model.name / f"{path.stem}.greedy.parquet")
                examples = schemas.read(Examples, args.examples / f"{model.examples}.{path.stem}.parquet")
                shown = {
                    id_: "\n".join(message["content"] for message in messages)
                    for id_, messages in examples.select("id", "messages").iter_rows()
                }
                tables.append(
                    reasoning.score(
                        predictions,
                        rows,
                        shown,
                        embed.encode_kept,
                        find,
                        rate if rater else None,
                        rater.highest if rater else 0,
                        ledger,
                    )
                )
                bar.update()
    ledger.facts |= {"embedder": args.embedder, "entities": args.entities, "judge": args.judge or "none"}
    schemas.write(ReasoningScores, pl.concat(tables), args.out)
    ledger.write(args.ledger)


if __name__ == "__main__":
    run(main)
