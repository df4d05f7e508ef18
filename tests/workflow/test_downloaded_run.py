"""Topics of the user's own list are downloaded from a real server on this machine, and parsed."""

import subprocess
import sys

from lists_server import Answer, serving

TOPICS = "topic\ttitle\trole\tacr_id\tpanel\n" + "".join(
    f"{name}\t{name.title()} Pain\ttrain_test\t{number}\tGlimmer & Rust\n"
    for number, name in enumerate(("amber", "birch"), start=1)
)


def test_topics_of_an_own_list_are_downloaded_and_a_missing_one_leaves_the_other_alone(own_project):
    (own_project.root / "topics.tsv").write_text(TOPICS)
    invent = [
        sys.executable,
        "scripts/demo/invent_guidelines.py",
        "--topics",
        "topics.tsv",
        "--seed",
        "1",
        "--out",
        "mine",
    ]
    subprocess.run(invent, cwd=own_project.root, check=True, stdout=subprocess.DEVNULL)
    with serving() as lists:
        lists.documents = {"/list/TopicNarrativePdf?topicId=2": Answer(404, b"no such topic")}
        kinds = {
            "narrative": "TopicNarrativePdf?topicId=1",
            "appendix": "GenerateAppendixPDF?PanelName=Glimmer%20%26%20Rust&TopicId=1",
            "evidence_table": "DownloadPdf?TopicId=1&TopicName=Amber%20Pain",
        }
        for kind, page in kinds.items():
            document = own_project.root / f"mine/documents/amber/{kind}.pdf"
            lists.documents[f"/list/{page}"] = Answer(body=document.read_bytes())
        download = f"download={{url: '{lists.url}', seconds_between_requests: 0, pages: {{evidence_table.html: null}}"
        options = ["--profile", "profiles/demo", "results/x/guidelines.parquet", "--config", "run=x"]
        options += ["documents=download", "topics={download: topics.tsv}"]

        run = own_project.snakemake(*options, download + "}")
        assert run.returncode != 0 and "Remedy: read them on the ACR's site" in run.stdout, run.stdout
        assert lists.paths == []

        run = own_project.snakemake(*options, download + ", accept_acr_terms: true}")
        assert run.returncode != 0
        assert "TopicNarrativePdf?topicId=2: HTTP status 404 for narrative.pdf" in run.stdout
        assert "amber: " in run.stdout and (own_project.root / "results/x/guidelines/amber.json").is_file()
        assert not any(path.startswith("/list/GetEvidence") for path in lists.paths)
        assert (own_project.root / "cache/documents/amber/manifest.json").is_file()

        asked = len(lists.paths)
        leave_out = "topics={download: topics.tsv, leave_out: [birch]}"
        run = own_project.snakemake(*options, leave_out, download + ", accept_acr_terms: true}")
        assert run.returncode == 0, run.stdout
        assert len(lists.paths) == asked  # nothing is downloaded twice
