"""Write the hub folder: every adapter with its model card. Nothing is uploaded unless --upload names a repository."""

import argparse
from pathlib import Path

from acrflow.io.errors import run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--upload", metavar="OWNER/NAME", help="upload --out as it stands to this hub repository")
    parser.add_argument("--public", action="store_true", help="with --upload: a new repository is public")
    parser.add_argument("--run", help="name of the run")
    parser.add_argument("--adapters", type=Path, nargs="+", help="folders of the adapters")
    parser.add_argument("--trainings", type=Path, help="folder of what the trainings measured, {adapter}/")
    parser.add_argument("--task", default="appropriateness", help="what is asked of a model (default: appropriateness)")
    parser.add_argument("--comparison", type=Path, help="comparison.parquet")
    parser.add_argument("--train", type=Path, help="the training rows, train.parquet")
    parser.add_argument("--prompts", type=Path, default=Path("config/prompts"), help="folder of the prompts")
    parser.add_argument("--base", help="base model: hub name or folder")
    parser.add_argument("--documents", help="where the guideline documents came from")
    parser.add_argument("--tiny", action="store_true", help="say that the base is the demo's")
    parser.add_argument("--out", type=Path, required=True, help="the hub folder")
    args = parser.parse_args()

    from acrflow.report import hub

    if args.upload:
        print(f"{args.out} -> {hub.upload(args.out, args.upload, not args.public)}")
        return
    needed = ("run", "adapters", "trainings", "comparison", "train", "base", "documents")
    if missing := [f"--{name}" for name in needed if getattr(args, name) is None]:
        parser.error(f"to write the folder, {', '.join(missing)} must be given")

    from acrflow import schemas, tasks
    from acrflow.schemas.dataset import rows_table
    from acrflow.schemas.evaluation import Comparison

    train = schemas.read(rows_table(tasks.load(args.task)), args.train)
    facts = {
        "run": args.run,
        "base": args.base,
        "documents": args.documents,
        "topics": train["topic"].n_unique(),
        "rows": train.height,
        "invented": args.documents == "invented",
        "tiny": args.tiny,
        "prompts": str(args.prompts),
    }
    names = hub.write(args.adapters, args.trainings, schemas.read(Comparison, args.comparison), facts, args.out)
    print(f"{args.out}: {', '.join(names)}")
    print(f"To upload it: python scripts/report/write_hub.py --out {args.out} --upload OWNER/NAME")


if __name__ == "__main__":
    run(main)
