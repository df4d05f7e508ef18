"""Report: one self-contained page with everything a reader needs to judge the run.

needs   metrics/{comparison,evidence}.parquet and what it was made from; ledgers and checks of every step
makes   report/index.html, report/figures/*.svg, hub/ (target `hub`)
reads   the whole configuration (shown in the report)
"""


report: "captions/workflow.rst"


RETRIEVAL_TABLES = ["queries", "found", "condensed", "assigned", "judgement"] if layout.retrieves else []
RETRIEVAL_TABLES += ["grades"] if layout.retrieves and layout.graded else []


rule hub:
    input:
        f"{RUN}/hub",
    localrule: True


rule write_report:
    input:
        roster=ancient(ROSTER),
        comparison=f"{RUN}/metrics/comparison.parquet",
        pairs=f"{RUN}/metrics/pairs.parquet",
        effects=f"{RUN}/metrics/evidence.parquet",
        metrics=METRICS,
        adapters=expand(f"{RUN}/adapters/{{adapter}}", adapter=settings.trained()),
        trainings=expand(f"{RUN}/training/{{adapter}}", adapter=settings.trained()),
        ledgers=expand(f"{RUN}/ledger/{{step}}.json", step=layout.steps),
        qa=expand(f"{RUN}/guidelines/{{topic}}.qa.json", topic=layout.parsed),
        leaks=f"{RUN}/dataset/leaks.json",
        card=f"{RUN}/dataset/card.md",
        pictures=f"{RUN}/dataset/figures",
        pmids=f"{RUN}/evidence/pmids.parquet",
        condensed=f"{RUN}/evidence/condensed.parquet",
        predictions=expand(f"{RUN}/predictions/{{model}}/{{split}}.greedy.parquet", model=layout.models, split=SPLITS),
        rows=expand(f"{RUN}/dataset/{{split}}.parquet", split=SPLITS),
        train=f"{RUN}/dataset/train.parquet",
        retrieval=expand(f"{RUN}/retrieval/{{table}}.parquet", table=RETRIEVAL_TABLES),
        grader=[GRADER] if layout.retrieves and layout.graded else [],
        templates=expand(
            shipped("scripts/acrflow/report/templates/{part}"),
            part=["report.html.j2", "retrieved.html.j2", "report.css", "report.js"],
        ),
    output:
        report=report(f"{RUN}/report/index.html", caption="captions/report.rst", category="Report"),
        figures=report(
            directory(f"{RUN}/report/figures"),
            patterns=["{chart}.svg"],
            caption="captions/figure.rst",
            category="Figures",
            labels={"chart": "{chart}"},
        ),
    log:
        f"{LOGS}/write_report.log",
    conda:
        "../envs/data.yaml"
    params:
        *code_of("report/write_report.py", layout.task_file),
        program=program("report/write_report.py"),
        task=settings.task,
        entries=layout.entries(),
        run=settings.run,
        trainings=lambda wildcards: f"{RUN}/training",
        config=lambda wildcards: settings.model_dump_json(),  # its {acr_id} is no wildcard
        retrieval=lambda wildcards: [f"--retrieval={RUN}/retrieval"] if layout.retrieves else [],
        grader=lambda wildcards, input: [f"--grader={input.grader}"] if input.grader else [],
        published=PUBLISHED,
    message:
        "Writing the report"
    shell:
        r"""
        exec > >(tee {log:q}) 2>&1
        python {params.program:q} \
            --task {params.task:q} \
            --run {params.run:q} \
            --config-json {params.config:q} \
            --comparison {input.comparison:q} \
            --metrics {input.metrics:q} \
            --roster {input.roster:q} \
            --adapters {input.adapters:q} \
            --trainings {params.trainings:q} \
            --ledgers {input.ledgers:q} \
            --qa {input.qa:q} \
            --leaks {input.leaks:q} \
            --card {input.card:q} \
            --predictions {input.predictions:q} \
            --rows {input.rows:q} \
            --train {input.train:q} \
            --pairs {input.pairs:q} \
            --effects {input.effects:q} \
            --pmids {input.pmids:q} \
            --condensed {input.condensed:q} \
            --figures {output.figures:q} \
            --out {output.report:q} {params.retrieval:q} {params.grader:q} {params.published:q}
        """


rule write_hub:
    input:
        comparison=f"{RUN}/metrics/comparison.parquet",
        adapters=expand(f"{RUN}/adapters/{{adapter}}", adapter=settings.trained()),
        trainings=expand(f"{RUN}/training/{{adapter}}", adapter=settings.trained()),
        train=f"{RUN}/dataset/train.parquet",
        prompts=layout.prompt_files,
        templates=expand(shipped("scripts/acrflow/report/templates/{card}.md.j2"), card=["model_card", "hub"]),
    output:
        hub=directory(f"{RUN}/hub"),
    log:
        f"{LOGS}/write_hub.log",
    conda:
        "../envs/data.yaml"
    params:
        *code_of("report/write_hub.py", layout.task_file),
        program=program("report/write_hub.py"),
        task=settings.task,
        run=settings.run,
        trainings=lambda wildcards: f"{RUN}/training",
        prompt_folder=lambda wildcards: "config/prompts",
        base=settings.base.model,
        documents=settings.documents,
        tiny=["--tiny"] if settings.base.model == "tiny" else [],
    message:
        "Writing the hub folder"
    shell:
        r"""
        exec > >(tee {log:q}) 2>&1
        python {params.program:q} \
            --task {params.task:q} \
            --run {params.run:q} \
            --adapters {input.adapters:q} \
            --trainings {params.trainings:q} \
            --prompts {params.prompt_folder:q} \
            --comparison {input.comparison:q} \
            --train {input.train:q} \
            --base {params.base:q} \
            --documents {params.documents:q} \
            --out {output.hub:q} {params.tiny:q}
        """
