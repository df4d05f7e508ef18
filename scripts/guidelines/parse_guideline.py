"""Parse a topic's guideline documents: ratings from the appendix, reasoning from the narrative, studies."""

import argparse
from pathlib import Path

from acrflow.guideline.check import documents_of
from acrflow.guideline.model import write_guideline
from acrflow.guideline.pdf import AGAIN
from acrflow.guideline.qa import parse_topic
from acrflow.io import sandbox
from acrflow.io.errors import run
from acrflow.io.files import write_json


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--narrative", type=Path, help="narrative (PDF)")
    parser.add_argument("--appendix", type=Path, help="appendix (PDF or the saved web page)")
    parser.add_argument(
        "--evidence-table", type=Path, help="evidence table (PDF or the saved web page), if there is one"
    )
    parser.add_argument(
        "--documents", type=Path, help="in place of the three: a folder that holds them under their names"
    )
    parser.add_argument("--topic", help="the topic's name, kept in every row (default: the name of --out)")
    parser.add_argument("--out", type=Path, required=True, help="the parsed topic (JSON)")
    parser.add_argument(
        "--qa", type=Path, help="counts, conflicts and what was left over (JSON; default: beside --out, as T.qa.json)"
    )
    args = parser.parse_args()
    if args.documents:
        vars(args).update(documents_of(args.documents))
    if not (args.narrative and args.appendix):
        parser.error("give --narrative and --appendix, or --documents with a folder that holds both")
    sandbox.one(lambda: parse(args), AGAIN)


def parse(args: argparse.Namespace) -> None:
    sandbox.at(str(args.appendix))
    topic = args.topic or args.out.stem
    guideline, report = parse_topic(topic, args.narrative, args.appendix, args.evidence_table)
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
