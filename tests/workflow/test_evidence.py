"""The evidence of a run through Snakemake, from a server that speaks NCBI's protocol and enforces its rate."""

import json
import os
import re
import subprocess
import sys

import polars as pl
import pytest
from checkout import ROOT
from eutils_programs import PROGRAMS, load
from eutils_server import GOOD_KEY, EutilsServer

TOPICS = "topic\ttitle\trole\nmorvane_syndrome\tMorvane Syndrome\ttrain_test\ntelvic_pain\tTelvic Pain\ttrain_test\n"


@pytest.mark.parametrize("profile", ["demo", "local", "slurm"])
def test_one_job_at_a_time_may_use_the_network_however_large_the_cluster(profile):
    text = (ROOT / "profiles" / profile / "config.yaml").read_text()
    assert re.search(r"^resources:\n(  .*\n)*  - network=1\b", text, re.MULTILINE)
    # every rule that reaches NCBI says that it needs the one
    rules = re.split(r"^rule ", (ROOT / "rules/evidence.smk").read_text(), flags=re.MULTILINE)
    networked = {rule.partition(":")[0] for rule in rules if "network=int(ENTREZ)" in rule}
    assert networked == {rule.partition(":")[0] for rule in rules if "{params.pubmed" in rule} != set()


def test_a_run_fetches_its_evidence_politely_and_shows_no_key(own_project, monkeypatch, tmp_path):
    topics = own_project.root / "topics.tsv"
    topics.write_text(TOPICS)
    command = [sys.executable, "scripts/demo/invent_guidelines.py", "--topics", str(topics), "--seed", "3407"]
    subprocess.run([*command, "--out", str(tmp_path / "invented")], cwd=ROOT, check=True, capture_output=True)
    records = load(*(tmp_path / "invented/efetch").glob("*.xml"))
    monkeypatch.setitem(os.environ, "NCBI_API_KEY", GOOD_KEY)
    faults = ["429", "502", "cut-off", "html"]
    with EutilsServer(records, faults=faults, faulty=PROGRAMS, limited=True) as server:
        entrez = f"{{source: entrez, url: '{server.url}', email: someone@example.org, cache: pubmed}}"
        config = ["--config", "topics={invented: topics.tsv}", f"evidence={entrez}"]
        target = "results/demo/evidence/condensed.parquet"
        run = own_project.snakemake("--profile", "profiles/demo", *config, "--", target)
        assert run.returncode == 0, run.stdout
    assert server.refused == 0 and next(server.faults, None) is None
    assert len(server.served) == len(set(server.served)) > 20
    assert all(request.form["api_key"] == GOOD_KEY for request in server.requests)
    assert GOOD_KEY not in run.stdout
    for file in own_project.root.rglob("*"):
        if file.is_file() and "tests" not in file.parts:
            assert GOOD_KEY.encode() not in file.read_bytes(), file

    folder = own_project.root / "results/demo"
    pmids = pl.read_parquet(folder / "evidence/pmids.parquet")
    cited = set(pmids["pmid"].drop_nulls())
    assert set(pl.read_parquet(folder / "evidence/records.parquet")["pmid"]) == cited
    assert set(pl.read_parquet(folder / target.removeprefix("results/demo/"))["pmid"]) == cited
    ledger = json.loads((folder / "ledger/fetch_records.json").read_text())
    assert ledger["taken"] == ledger["kept"] + sum(entry["count"] for entry in ledger["left_out"].values())
    assert ledger["left_out"]["absent: no such record"]["count"] == len(cited - records.keys())
