"""Parse one topic's guideline documents: ratings and votes from the appendix, reasoning from the narrative."""

import argparse
from pathlib import Path

from acrflow.errors import run
from acrflow.files import write_json
from acrflow.guideline.model import write_guideline
from acrflow.guideline.qa import parse_topic


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--topic", required=True, help="the topic's name, kept in every row")
    parser.add_argument("--narrative", type=Path, required=True, help="narrative.pdf")
    parser.add_argument("--appendix", type=Path, required=True, help="appendix.pdf")
    parser.add_argument("--out", type=Path, required=True, help="the parsed topic (JSON)")
    parser.add_argument("--qa", type=Path, required=True, help="counts, conflicts and what was left over (JSON)")
    args = parser.parse_args()

    guideline, report = parse_topic(args.topic, args.narrative, args.appendix)
    write_guideline(guideline, args.out)
    write_json(args.qa, report)
    rows = report["rows"]["appendix"]
    reasoned = rows - len(report["rows_without_reasoning"])
    print(
        f"{args.topic}: {len(guideline.variants)} variants, {rows} rows, {reasoned} with reasoning; "
        f"{report['categories']['agree']} of {report['categories']['compared']} categories agree with the narrative"
    )


if __name__ == "__main__":
    run(main)
