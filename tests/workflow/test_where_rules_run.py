"""Where each rule runs on a cluster, as Snakemake itself sees it."""

import pytest
import yaml

PROBE = """
include: "Snakefile"
for each in workflow.rules:
    asked = {name: each.resources[name] for name in each.resources.keys()}
    if each.name in workflow._localrules or each.norun:  # workflow.is_local says yes to all in a dry run
        print("RULE", each.name, "here")
    elif each.name != "train_adapter":  # what a training asks for depends on its adapter
        print("RULE", each.name, asked["slurm_partition"].value)
"""
NETWORKED = {
    "download_documents",
    "list_references",
    "fetch_records",
    "predict_reference",
    "search_studies",
    "fetch_found",
}
GPU = {"predict", "predict_with", "score_reasoning"}


@pytest.mark.parametrize(("network", "there"), [(None, "here"), ("transfer", "transfer")])
def test_only_networked_rules_leave_the_nodes_and_only_models_take_gpus(
    own_project, monkeypatch, network: str | None, there: str
) -> None:
    (own_project.root / "probe.smk").write_text(PROBE)
    (own_project.root / "site.yaml").write_text(
        yaml.safe_dump({"cpu_partition": "serial", "gpu_partition": "hopper", "network_partition": network})
    )
    monkeypatch.setenv("ACRFLOW_SITE", "site.yaml")
    answer = own_project.snakemake("-s", "probe.smk", "--profile", "slurm", "-n", "all")
    lines = [line.split() for line in answer.stdout.splitlines() if line.startswith("RULE ")]
    where = {name: place for _, name, place in lines}
    assert {where[name] for name in NETWORKED} == {there}, answer.stdout
    assert where["collect_guidelines"] == "here"
    steps = where.keys() - NETWORKED - {name for name, place in where.items() if place == "here"}
    assert {name for name in steps if where[name] == "serial"} == steps - GPU > {"parse_guideline", "measure"}
    assert {name for name in steps if where[name] == "hopper"} == GPU
