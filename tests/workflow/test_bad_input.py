"""Bad input ends before any work, with one message that names the file, the key and the remedy."""

import shutil
import subprocess
import sys

import pytest

DEMO = ("--profile", "profiles/demo")


def refused(project, *arguments) -> str:
    """The output of a run that must fail before any work: no job ran, no results were written."""
    run = project.snakemake(*DEMO, *arguments)
    assert run.returncode != 0
    assert "Remedy:" in run.stdout, run.stdout
    assert "Traceback" not in run.stdout
    assert not (project.root / "results").exists()
    return run.stdout


def own_config(project, text: str) -> tuple[str, str]:
    (project.root / "own.yaml").write_text(text)
    return "--configfile", "own.yaml"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("trainning: {}", ["own.yaml", "trainning", "unknown key"]),
        ("adapters: {baseline: {rewards: {anwser: 1.0}}}", ["own.yaml", "adapters.baseline", "unknown reward anwser"]),
        (
            "adapters: {baseline: {rewards: {chance: {options: {sed: 1}}}}}",
            ["own.yaml", "adapters.baseline.rewards.chance.options: unknown option sed (did you mean seed?)"],
        ),
        ("adapters: {mine: {rewards: {answer: 1.0}}}", ["own.yaml", "adapters.mine.method", "missing"]),
        ("adapters: {mine: {method: grpo, rewards: {answer: 0}}}", ["adapters.mine", "weight"]),
        ("training: {grpo: {batch: 5}}", ["training.grpo", "multiple of generations"]),
        ("adapters: {sft: {init_from: no/folder}}", ["adapters.sft.init_from", "no/folder"]),
        ("adapters: {sft: {init_from: nobody}}", ["adapters.sft.init_from", "nobody"]),
        ("documents: no/such/folder", ["documents", "no/such/folder"]),
        ("evidence: {source: no/such/folder}", ["evidence.source", "no/such/folder"]),
        (
            "{evidence: {source: none}, adapters: {citations: {evidence: retrieved}}}",
            ["adapters.citations", "evidence.source"],
        ),
        ("generalization: [nowhere]", ["generalization", "nowhere"]),
        ("topics: {leave_out: [nowhere]}", ["topics.leave_out", "nowhere"]),
        ("documents: no/such/rows.csv.gz", ["documents", "no/such/rows.csv.gz", "table is missing"]),
        ("results: README.md/results", ["results", "README.md"]),
    ],
)
def test_a_wrong_configuration_is_refused(own_project, text, named):
    output = refused(own_project, *own_config(own_project, text))
    assert all(word in output for word in named), output


def test_an_empty_topic_list_is_refused(own_project):
    (own_project.root / "topics.tsv").write_text("topic\ttitle\trole\n")
    output = refused(own_project, "--configfile", "config/demo.yaml", "--config", "topics={invented: topics.tsv}")
    assert "topics.tsv" in output and "empty" in output


def test_a_missing_document_is_refused(own_project):
    (own_project.root / "mine/knee").mkdir(parents=True)
    shutil.copy(own_project.root / "README.md", own_project.root / "mine/knee/narrative.pdf")
    output = refused(own_project, *own_config(own_project, "documents: mine"))
    assert "mine/knee/" in output


def test_a_bad_topic_leaves_the_others_alone_and_can_be_left_out(own_project):
    topics = "topic\ttitle\trole\n" + "".join(f"{name}\t{name}\ttrain_test\n" for name in ("amber", "birch", "cedar"))
    (own_project.root / "topics.tsv").write_text(topics)
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
    appendix = own_project.root / "mine/documents/birch/appendix.pdf"
    appendix.write_bytes(appendix.read_bytes()[:5000])
    options = ["results/x/guidelines.parquet", "--config", "run=x", "documents=mine/documents"]

    run = own_project.snakemake(*DEMO, *options)
    assert run.returncode != 0
    message = "mine/documents/birch/appendix.pdf: the PDF is cut off"
    assert run.stdout.index("The topic birch will fail; the others go on.") < run.stdout.index("Job stats")
    assert run.stdout.count(f"ERROR {message}") >= 1 and "(topics.leave_out)" in run.stdout
    parsed = own_project.root / "results/x/guidelines"
    assert sorted(path.name for path in parsed.glob("*[!a].json")) == ["amber.json", "cedar.json"]

    run = own_project.snakemake(*DEMO, *options, "topics={leave_out: [birch]}")
    assert run.returncode == 0, run.stdout
    assert "Reading the guideline on" not in run.stdout  # nothing is read twice
    assert (
        '"topics_left_out": [\n      "birch"'
        in (own_project.root / "results/x/ledger/collect_guidelines.json").read_text()
    )


def test_a_pdf_that_is_no_guideline_is_refused(own_project):
    from reportlab.pdfgen.canvas import Canvas

    for kind in ("narrative", "appendix"):
        path = own_project.root / f"mine/knee/{kind}.pdf"
        path.parent.mkdir(parents=True, exist_ok=True)
        canvas = Canvas(str(path))
        canvas.drawString(72, 720, "The minutes of a meeting about something else.")
        canvas.save()
    output = refused(own_project, *own_config(own_project, "documents: mine"))
    assert "mine/knee/" in output and "guideline" in output
