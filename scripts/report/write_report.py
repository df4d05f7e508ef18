"""Write the report of a run: one self-contained page, and its figures as files."""

import argparse
import json
from pathlib import Path
from typing import Any

from acrflow.io.errors import InputError, run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", required=True, help="name of the run")
    parser.add_argument(
        "--config-json", required=True, help="the resolved configuration: JSON, or a file that holds it"
    )
    parser.add_argument("--task", default="appropriateness", help="what is asked of a model (default: appropriateness)")
    parser.add_argument("--comparison", type=Path, required=True, help="comparison.parquet")
    parser.add_argument("--metrics", type=Path, nargs="+", required=True, help="metrics.json of every model and split")
    parser.add_argument("--adapters", type=Path, nargs="+", required=True, help="folders of the adapters")
    parser.add_argument("--roster", type=Path, required=True, help="roster.json: the models and what they read")
    parser.add_argument("--trainings", type=Path, required=True, help="folder of what the trainings measured")
    parser.add_argument("--ledgers", type=Path, nargs="+", required=True, help="ledgers, in the order of the steps")
    parser.add_argument("--qa", type=Path, nargs="*", default=[], help="checks of the parsed guidelines, one per topic")
    parser.add_argument("--leaks", type=Path, required=True, help="leaks.json")
    parser.add_argument("--card", type=Path, required=True, help="the dataset's card (Markdown)")
    parser.add_argument(
        "--predictions", type=Path, nargs="+", required=True, help="predictions of every model and split"
    )
    parser.add_argument("--rows", type=Path, nargs="+", required=True, help="rows of the splits, {split}.parquet")
    parser.add_argument("--train", type=Path, required=True, help="the training rows, train.parquet")
    parser.add_argument("--pairs", type=Path, required=True, help="pairs.parquet")
    parser.add_argument("--effects", type=Path, required=True, help="evidence.parquet: answers with other evidence")
    parser.add_argument("--pmids", type=Path, required=True, help="every cited reference, pmids.parquet")
    parser.add_argument("--condensed", type=Path, required=True, help="condensed.parquet")
    parser.add_argument("--retrieval", type=Path, help="folder of the retrieval's tables (default: none was run)")
    parser.add_argument("--grader", type=Path, help="folder of the grader that was used (default: nothing was graded)")
    parser.add_argument(
        "--published", action="append", default=[], metavar="MODEL=NAME", help="a model that is a system of the paper"
    )
    parser.add_argument("--figures", type=Path, required=True, help="folder for the charts as SVG files")
    parser.add_argument("--out", type=Path, required=True, help="index.html")
    args = parser.parse_args()
    configuration = read_configuration(args.config_json)

    from acrflow.io.files import write_text
    from acrflow.report.page import Inputs, build

    files = {key: value for key, value in vars(args).items() if key not in ("config_json", "figures", "out")}
    files["published"] = [one.partition("=")[2] for one in args.published]
    html, charts = build(Inputs(configuration=configuration, **files))
    for chart in charts:
        write_text(args.figures / f"{chart.name}.svg", chart.svg())
    write_text(args.out, html)
    print(f"{args.out}: {len(html.encode()) / 1e6:.1f} MB, {len(charts)} charts")


def read_configuration(text: str) -> dict[str, Any]:
    """The configuration from JSON text or from the file of that name."""
    try:
        whole = text if text.lstrip().startswith("{") else Path(text).read_text(encoding="utf-8")
        configuration: dict[str, Any] = json.loads(whole)
    except (OSError, json.JSONDecodeError) as error:
        raise InputError("--config-json", f"no configuration: {error}", "pass JSON, or a JSON file's path") from error
    return configuration


if __name__ == "__main__":
    run(main)
