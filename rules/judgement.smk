"""Judgement of the retrieval by the guidelines' own references (part of the target `retrieval`).

needs   retrieval/*.parquet, the cited studies in evidence/*.parquet, dataset/*.parquet
makes   retrieval/judgement.parquet
reads   config: retrieval, models (embedder, device), evaluation.bootstrap, seed
"""


rule judge_retrieval:
    input:
        references=f"{RUN}/evidence/pmids.parquet",
        records=f"{RUN}/evidence/records.parquet",
        condensed=f"{RUN}/evidence/condensed.parquet",
        queries=f"{RUN}/retrieval/queries.parquet",
        found=f"{RUN}/retrieval/found.parquet",
        found_records=f"{RUN}/retrieval/records.parquet",
        found_condensed=f"{RUN}/retrieval/condensed.parquet",
        rows=expand(f"{RUN}/dataset/{{split}}.parquet", split=["train", *SPLITS]),
        assigned=f"{RUN}/retrieval/assigned.parquet",
    output:
        judgement=f"{RUN}/retrieval/judgement.parquet",
        ledger=f"{RUN}/ledger/judge_retrieval.json",
    log:
        f"{LOGS}/judge_retrieval.log",
    benchmark:
        f"{LOGS}/judge_retrieval.bench.tsv"
    conda:
        "../envs/train.yaml"
    params:
        *code_of("retrieval/judge_retrieval.py"),
        program=program("retrieval/judge_retrieval.py"),
        settings=settings.retrieval.model_dump_json(),
        embedder=settings.models.embedder,
        device=settings.models.device,
        draws=settings.evaluation.bootstrap,
        seed=settings.seed,
    message:
        "Judging the studies found against the guidelines' own references"
    shell:
        r"""
        exec > >(tee {log:q}) 2>&1
        python {params.program:q} \
            --references {input.references:q} \
            --records {input.records:q} \
            --condensed {input.condensed:q} \
            --queries {input.queries:q} \
            --found {input.found:q} \
            --found-records {input.found_records:q} \
            --found-condensed {input.found_condensed:q} \
            --rows {input.rows:q} \
            --assigned {input.assigned:q} \
            --settings {params.settings:q} \
            --embedder {params.embedder:q} \
            --device {params.device} \
            --draws {params.draws} \
            --seed {params.seed} \
            --out {output.judgement:q} \
            --ledger {output.ledger:q}
        """
