"""Retrieval: studies for each condition, searched for, fetched, condensed and graded (target `retrieval`).

needs   guidelines.parquet, evidence/pmids.parquet; a source of records (evidence.source is not none)
        dataset/*.parquet and the base model's tokenizer, for the assignment to rows
makes   retrieval/{queries,found,records,condensed,grades,assigned}.parquet, retrieval/grader/
reads   config: evidence (source, cache, unstructured, tokens), retrieval
"""

GRADER = settings.retrieval.grader or f"{RUN}/retrieval/grader"
SJR = [settings.retrieval.sjr] if settings.retrieval.sjr else []


rule retrieval:
    input:
        f"{RUN}/retrieval/found.parquet",
        f"{RUN}/retrieval/assigned.parquet",
        f"{RUN}/retrieval/judgement.parquet",
    localrule: True


rule search_studies:
    input:
        guidelines=f"{RUN}/guidelines.parquet",
        pmids=f"{RUN}/evidence/pmids.parquet",
        snapshot=SNAPSHOT_FILES,
    output:
        queries=f"{RUN}/retrieval/queries.parquet",
        found=f"{RUN}/retrieval/found.parquet",
        pmids=f"{RUN}/retrieval/pmids.txt",
        ledger=f"{RUN}/ledger/search_studies.json",
    log:
        f"{LOGS}/search_studies.log",
    benchmark:
        f"{LOGS}/search_studies.bench.tsv"
    conda:
        "../envs/train.yaml" if settings.retrieval.rewriter else "../envs/data.yaml"
    resources:
        network=int(ENTREZ),
    params:
        *code_of("retrieval/search_studies.py"),
        program=program("retrieval/search_studies.py"),
        pubmed=PUBMED,
        settings=settings.retrieval.model_dump_json(),
        cache=f"{RUN}/completions/search_studies.jsonl",
        refresh=[] if settings.evidence.refresh_days is None else ["--refresh-days", settings.evidence.refresh_days],
    message:
        "Searching for studies of the conditions"
    shell:
        r"""
        exec > >(tee {log:q}) 2>&1
        python {params.program:q} {params.pubmed:q} {params.refresh:q} \
            --guidelines {input.guidelines:q} \
            --pmids {input.pmids:q} \
            --settings {params.settings:q} \
            --rewriter-cache {params.cache:q} \
            --queries {output.queries:q} \
            --found {output.found:q} \
            --pmids-out {output.pmids:q} \
            --ledger {output.ledger:q}
        """


use rule fetch_records as fetch_found with:
    input:
        pmids=f"{RUN}/retrieval/pmids.txt",
        snapshot=SNAPSHOT_FILES,
    output:
        records=f"{RUN}/retrieval/records.parquet",
        ledger=f"{RUN}/ledger/fetch_found.json",
    log:
        f"{LOGS}/fetch_found.log",
    benchmark:
        f"{LOGS}/fetch_found.bench.tsv"
    message:
        "Getting the PubMed records of the studies found"


use rule condense_abstracts as condense_found with:
    input:
        records=f"{RUN}/retrieval/records.parquet",
    output:
        condensed=f"{RUN}/retrieval/condensed.parquet",
        ledger=f"{RUN}/ledger/condense_found.json",
    log:
        f"{LOGS}/condense_found.log",
    benchmark:
        f"{LOGS}/condense_found.bench.tsv"
    message:
        "Condensing the abstracts of the studies found"


if layout.graded and not settings.retrieval.grader:

    rule train_grader:
        input:
            pmids=f"{RUN}/evidence/pmids.parquet",
            records=f"{RUN}/evidence/records.parquet",
            sjr=SJR,
        output:
            grader=directory(GRADER),
            ledger=f"{RUN}/ledger/train_grader.json",
        log:
            f"{LOGS}/train_grader.log",
        benchmark:
            f"{LOGS}/train_grader.bench.tsv"
        conda:
            "../envs/data.yaml"
        params:
            *code_of("retrieval/train_grader.py"),
            program=program("retrieval/train_grader.py"),
            sjr=["--sjr", *SJR] if SJR else [],
            seed=settings.seed,
        message:
            "Training the grader of studies on the evidence tables' study quality"
        shell:
            r"""
            exec > >(tee {log:q}) 2>&1
            python {params.program:q} {params.sjr:q} \
                --pmids {input.pmids:q} \
                --records {input.records:q} \
                --seed {params.seed} \
                --out {output.grader:q} \
                --ledger {output.ledger:q}
            """


if layout.graded:

    rule grade_studies:
        input:
            records=f"{RUN}/retrieval/records.parquet",
            grader=GRADER,
            sjr=SJR,
        output:
            grades=f"{RUN}/retrieval/grades.parquet",
            ledger=f"{RUN}/ledger/grade_studies.json",
        log:
            f"{LOGS}/grade_studies.log",
        benchmark:
            f"{LOGS}/grade_studies.bench.tsv"
        conda:
            "../envs/data.yaml"
        params:
            *code_of("retrieval/grade_studies.py"),
            program=program("retrieval/grade_studies.py"),
            sjr=["--sjr", *SJR] if SJR else [],
        message:
            "Grading the studies found"
        shell:
            r"""
            exec > >(tee {log:q}) 2>&1
            python {params.program:q} {params.sjr:q} \
                --records {input.records:q} \
                --grader {input.grader:q} \
                --out {output.grades:q} \
                --ledger {output.ledger:q}
            """


rule assign_studies:
    input:
        rows=expand(f"{RUN}/dataset/{{split}}.parquet", split=["train", *SPLITS]),
        queries=f"{RUN}/retrieval/queries.parquet",
        found=f"{RUN}/retrieval/found.parquet",
        records=f"{RUN}/retrieval/records.parquet",
        condensed=f"{RUN}/retrieval/condensed.parquet",
        grades=[f"{RUN}/retrieval/grades.parquet"] if layout.graded else [],
        tokenizer=layout.tokenizer_files,
    output:
        assigned=f"{RUN}/retrieval/assigned.parquet",
        ledger=f"{RUN}/ledger/assign_studies.json",
    log:
        f"{LOGS}/assign_studies.log",
    benchmark:
        f"{LOGS}/assign_studies.bench.tsv"
    conda:
        "../envs/data.yaml"
    params:
        *code_of("retrieval/assign_studies.py"),
        program=program("retrieval/assign_studies.py"),
        grades=lambda wildcards, input: [f"--grades={input.grades}"] if layout.graded else [],
        tokenizer=lambda wildcards: layout.tokenizer,
        revision=layout.revision,
        tokens=settings.evidence.tokens,
    message:
        "Assigning the studies found to the rows"
    shell:
        r"""
        exec > >(tee {log:q}) 2>&1
        python {params.program:q} {params.grades:q} \
            --rows {input.rows:q} \
            --queries {input.queries:q} \
            --found {input.found:q} \
            --records {input.records:q} \
            --condensed {input.condensed:q} \
            --tokenizer {params.tokenizer:q} {params.revision:q} \
            --tokens {params.tokens} \
            --out {output.assigned:q} \
            --ledger {output.ledger:q}
        """
