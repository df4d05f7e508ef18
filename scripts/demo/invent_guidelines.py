"""Invent guidelines for the demo: documents in the layout of the real ones, and an invented PubMed.

Its records are those that the guidelines cite, and others on the same conditions that only a search can find.
"""

import argparse
import csv
from pathlib import Path

from acrflow.io.errors import InputError, run
from acrflow.io.files import whole, write_text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--topics", type=Path, required=True, help="table (tab-separated) with the columns topic, title"
    )
    parser.add_argument("--seed", type=int, default=7, help="the same seed gives the same bytes (default: 7)")
    parser.add_argument("--out", type=Path, required=True, help="folder for documents/{topic}/ and efetch/*.xml")
    args = parser.parse_args()

    from acrflow.synthetic.appendix import render_appendix
    from acrflow.synthetic.evidence_table import render_evidence_table
    from acrflow.synthetic.language import invent, records, uncited_records
    from acrflow.synthetic.narrative import render_narrative
    from acrflow.synthetic.pubmed import efetch_xml

    topics = invent(read_topics(args.topics), args.seed)
    for topic in topics:
        folder = args.out / "documents" / topic.topic
        for kind, render in (
            ("narrative", render_narrative),
            ("appendix", render_appendix),
            ("evidence_table", render_evidence_table),
        ):
            with whole(folder / f"{kind}.pdf") as path:
                render(topic, path)
    studies, others = records(topics), uncited_records(topics, args.seed)
    write_text(args.out / "efetch" / "invented.xml", efetch_xml(studies))
    write_text(args.out / "efetch" / "uncited.xml", efetch_xml(others))
    rows = sum(len(variant.rows) for topic in topics for variant in topic.variants)
    pubmed = f"{len(studies)} PubMed records that they cite and {len(others)} that they do not"
    print(f"Invented {len(topics)} guidelines with {rows} rated rows, {pubmed} in {args.out}")


def read_topics(path: Path) -> list[tuple[str, str]]:
    """Folder name and title of each topic."""
    remedy = "give a tab-separated table with the columns topic and title"
    try:
        with open(path, encoding="utf-8", newline="") as file:
            rows = [(row["topic"].strip(), row["title"].strip()) for row in csv.DictReader(file, delimiter="\t")]
    except FileNotFoundError:
        raise InputError(path, "the table of topics is missing", remedy) from None
    except (KeyError, AttributeError) as error:
        raise InputError(path, f"no column {error}", remedy) from error
    if not rows or not all(topic and title for topic, title in rows):
        raise InputError(path, "no topics, or one without a name or title", remedy)
    if len({topic for topic, _ in rows}) < len(rows):
        raise InputError(path, "two topics have the same name", remedy)
    return rows


if __name__ == "__main__":
    run(main)
