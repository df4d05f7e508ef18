"""Retrieved studies through Snakemake: from NCBI's protocol, at its rate, and from a folder of records."""

import json
import subprocess
import sys

import polars as pl
import pytest
from checkout import ROOT
from eutils_programs import load
from eutils_server import EutilsServer

TOPICS = "topic\ttitle\trole\nmorvane_syndrome\tMorvane Syndrome\ttrain_test\ntelvic_pain\tTelvic Pain\ttrain_test\n"


@pytest.mark.slow
def test_a_run_retrieves_studies_politely(own_project, tmp_path):
    topics = own_project.root / "topics.tsv"
    topics.write_text(TOPICS)
    command = [sys.executable, "scripts/demo/invent_guidelines.py", "--topics", str(topics), "--seed", "3407"]
    subprocess.run([*command, "--out", str(tmp_path / "invented")], cwd=ROOT, check=True, capture_output=True)
    records = load(*(tmp_path / "invented/efetch").glob("*.xml"))
    with EutilsServer(records, faults=["429", "502"], faulty=["esearch.fcgi"], limited=True) as server:
        entrez = f"{{source: entrez, url: '{server.url}', email: someone@example.org, cache: pubmed}}"
        shared = ["--profile", "profiles/demo", "--config", "topics={invented: topics.tsv}", f"evidence={entrez}"]
        shown = own_project.snakemake(*shared, "retrieval={hide_cited: false}", "--", "retrieval")
        assert shown.returncode == 0, shown.stdout
        asked = len(server.sent_to("esearch.fcgi"))
        assert server.refused == 0
        folder = own_project.root / "results/demo"
        found = pl.read_parquet(folder / "retrieval/found.parquet")
        assert set(found["pmid"]) <= records.keys() and found["cited"].any() and not found["hidden"].any()
        condensed = pl.read_parquet(folder / "retrieval/condensed.parquet")
        assert set(condensed["pmid"]) == set(found["pmid"])
        grades = pl.read_parquet(folder / "retrieval/grades.parquet")
        assert set(grades["pmid"]) == set(found["pmid"])
        assert not pl.read_parquet(folder / "retrieval/records.parquet")["retracted"].any()
        judged = pl.read_parquet(folder / "retrieval/judgement.parquet").filter(pl.col("topic").is_null())
        over_all = dict(judged.filter(pl.col("k").is_null()).select("metric", "value").iter_rows())
        assert 0 < over_all["recall"] <= 1 and 0 <= over_all["centre_distance"] < 1
    ledger = json.loads((folder / "ledger/search_studies.json").read_text())
    assert ledger["taken"] == 16 and set(ledger["facts"]["conditions"]) == {"morvane_syndrome", "telvic_pain"}
    assert asked - 2 <= 16  # two were faults
