"""What each rule asks of a machine: one table, part of the configuration (key `resources`)."""

from typing import Annotated, Any

from pydantic import Field, model_validator

from acrflow.config.section import Positive, Section

Count = Annotated[int, Field(ge=0)]


class Needs(Section):
    """What one job of a rule asks for, per node. Memory and minutes are those of the first try; a retry gets more."""

    cpus: Positive = 1
    mem_mb: Positive = Field(2000, description="MB per node; about 300 of them are Snakemake's own inside a Slurm job")
    minutes: Positive = Field(30, description="time limit")
    gpus: Count = Field(0, description="GPUs per node")
    nodes: Positive = 1
    server_gpus: Count = Field(0, description="of them, those of a vLLM server of the training's own")
    local: bool = Field(False, description="stays on the machine that runs Snakemake: a matter of seconds")

    @model_validator(mode="after")
    def _the_server_leaves_some(self) -> "Needs":
        if self.server_gpus and self.server_gpus > (self.gpus if self.nodes > 1 else self.gpus - 1):
            raise ValueError("server_gpus leaves no GPU for the training; ask for more `gpus`, or for one more node")
        return self


def _light(**needs: Any) -> Any:
    return Field(Needs(minutes=10, local=True, **needs))


def _gpu(minutes: int) -> Any:
    return Field(Needs(cpus=8, mem_mb=64_000, minutes=minutes, gpus=1))


class Resources(Section):
    """The table: one line per rule. What a configuration leaves out keeps the value given here."""

    invent_guidelines: Needs = Needs(minutes=10)
    download_documents: Needs = Needs(mem_mb=1000)
    parse_guideline: Needs = Needs(mem_mb=1000, minutes=10)
    collect_guidelines: Needs = _light()
    read_table: Needs = _light()
    list_references: Needs = Needs(minutes=1200)  # NCBI's off-peak hours may be 16 hours away
    fetch_records: Needs = Needs(minutes=1200)
    condense_abstracts: Needs = Needs()
    rewrite_abstracts: Needs = _gpu(600)
    search_studies: Needs = Needs(minutes=1200)
    fetch_found: Needs = Needs(minutes=1200)
    condense_found: Needs = Needs()
    train_grader: Needs = Needs(mem_mb=4000, minutes=60)
    grade_studies: Needs = Needs(mem_mb=4000)
    assign_studies: Needs = Needs(mem_mb=8000, minutes=60)
    judge_retrieval: Needs = Needs(mem_mb=4000)
    extract_traces: Needs = Needs(cpus=2, minutes=60)
    distill_traces: Needs = _gpu(600)
    build_dataset: Needs = Needs(mem_mb=4000)
    render_examples: Needs = Needs(mem_mb=4000, minutes=60)
    write_card: Needs = Needs(mem_mb=4000, minutes=30)
    make_tiny_tokenizer: Needs = Needs(minutes=10)
    make_tiny_base: Needs = Needs(minutes=20)
    train_adapter: Needs = _gpu(720)
    write_adapter_card: Needs = _light()
    predict: Needs = _gpu(240)
    predict_with: Needs = _gpu(120)
    predict_reference: Needs = Needs(minutes=600)
    run_baselines: Needs = Needs(mem_mb=4000)
    score_reasoning: Needs = _gpu(240)
    measure: Needs = Needs()
    compare: Needs = Needs(mem_mb=4000)
    compare_evidence: Needs = Needs()
    write_report: Needs = Needs()
    write_hub: Needs = _light()

    @model_validator(mode="before")
    @classmethod
    def _keep_the_rest_of_a_line(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        known = {name: field.default for name, field in cls.model_fields.items()}
        return {
            rule: {**known[rule].model_dump(), **needs} if rule in known and isinstance(needs, dict) else needs
            for rule, needs in values.items()
        }

    def of(self, rule: str, overrides: dict[str, Any] | None = None) -> Needs:
        """The needs of a rule, with an adapter's own."""
        needs: Needs = getattr(self, rule)
        return Needs.model_validate({**needs.model_dump(), **(overrides or {})})
