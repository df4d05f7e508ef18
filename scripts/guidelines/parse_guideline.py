"""Parse a topic's guideline documents: ratings (of the ACR: from the appendix), reasoning, studies."""

import argparse
from pathlib import Path

from acrflow.guideline.check import AGAIN, documents_of, refuse_missing
from acrflow.guideline.model import write_guideline
from acrflow.guideline.qa import parse_topic
from acrflow.io import sandbox
from acrflow.io.errors import run
from acrflow.io.files import write_json


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--documents", type=Path, required=True, help="folder of the topic's documents under their publisher's names"
    )
    parser.add_argument("--publisher", default="acr", help="whose documents (default: acr)")
    parser.add_argument("--topic", help="the topic's name, kept in every row (default: the name of --out)")
    parser.add_argument("--out", type=Path, required=True, help="the parsed topic (JSON)")
    parser.add_argument(
        "--qa", type=Path, help="counts, conflicts and what was left over (JSON; default: beside --out, as T.qa.json)"
    )
    args = parser.parse_args()
    refuse_missing([args.documents], args.publisher)
    sandbox.one(lambda: parse(args), AGAIN)


def parse(args: argparse.Namespace) -> None:
    sandbox.at(str(args.documents))
    topic = args.topic or args.out.stem
    guideline, report = parse_topic(topic, documents_of(args.documents, args.publisher), args.publisher)
    write_guideline(guideline, args.out)
    write_json(args.qa or args.out.with_suffix(".qa.json"), report)
    rows = report["rows"]["appendix"]
    reasoned = rows - len(report["rows_without_reasoning"])
    print(
        f"{topic}: {len(guideline.variants)} variants, {rows} rows, {reasoned} with reasoning; "
        f"{report['categories']['agree']} of {report['categories']['compared']} categories agree with the narrative; "
        f"{len(guideline.studies)} studies in the evidence table"
    )


if __name__ == "__main__":
    run(main)
