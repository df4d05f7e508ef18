"""Which evidence reaches which adapter, as Snakemake plans it."""

import re


def planned(project, config: str) -> str:
    (project.root / "own.yaml").write_text(config)
    run = project.snakemake(
        "--profile", "profiles/demo", "--configfile", "config/demo.yaml", "own.yaml", "-n", "-p", "all"
    )
    assert run.returncode == 0, run.stdout
    return run.stdout


def rules(plan: str) -> dict[str, int]:
    """Planned jobs by rule."""
    table = plan[plan.rindex("Job stats:") :]
    return {name: int(count) for name, count in re.findall(r"^(\w+) +(\d+)$", table, re.MULTILINE)}


def test_an_adapter_with_retrieved_evidence_waits_for_the_search(own_project):
    plan = planned(own_project, "{adapters: {citations: {evidence: retrieved}}, evaluation: {other_evidence: [acr]}}")
    assert {"search_studies", "assign_studies", "predict_with"} <= rules(plan).keys()
    training = re.search(r"--examples (\S+)[^-]*--checkpoints results/demo/checkpoints/citations\b", plan)
    assert training and training[1] == "results/demo/examples/reasoning_retrieved.train.parquet"
    assert re.search(r"--models citations .*--evidence acr\b", plan, re.DOTALL)  # again, with the guideline's own


def test_without_a_source_or_on_demand_nothing_is_searched_for(own_project):
    nothing = rules(planned(own_project, "evidence: {source: none}"))
    assert nothing["predict_with"] == 1 and "search_studies" not in nothing
    unasked = rules(planned(own_project, "evaluation: {other_evidence: []}"))
    assert "search_studies" not in unasked and "predict_with" not in unasked
    assert rules(planned(own_project, "{}"))["predict_with"] == 2
