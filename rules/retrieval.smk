"""Retrieval: studies for each condition, searched for, fetched, condensed and graded (target `retrieval`).

needs   guidelines.parquet, evidence/pmids.parquet; a source of records (evidence.source is not none)
makes   retrieval/{queries,found,records,condensed}.parquet
reads   config: evidence (source, cache, unstructured), retrieval
"""


localrules:
    retrieval,


rule retrieval:
    input:
        f"{RUN}/retrieval/found.parquet",
        f"{RUN}/retrieval/condensed.parquet",


rule search_studies:
    input:
        guidelines=f"{RUN}/guidelines.parquet",
        pmids=f"{RUN}/evidence/pmids.parquet",
        snapshot=SNAPSHOT_FILES,
        program="scripts/search_studies.py",
        library=library("scripts/search_studies.py"),
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
        "../envs/train.yaml" if C.retrieval.rewriter else "../envs/data.yaml"
    resources:
        network=int(ENTREZ),
    params:
        pubmed=PUBMED,
        settings=C.retrieval.model_dump_json(),
        kept=f"{RUN}/completions/search_studies.jsonl",
        refresh=[] if C.evidence.refresh_days is None else ["--refresh-days", C.evidence.refresh_days],
    message:
        "Searching for studies of the conditions"
    shell:
        r"""
        exec > >(tee {log:q}) 2>&1
        python {input.program:q} {params.pubmed:q} {params.refresh:q} \
            --guidelines {input.guidelines:q} \
            --pmids {input.pmids:q} \
            --settings {params.settings:q} \
            --kept {params.kept:q} \
            --queries {output.queries:q} \
            --found {output.found:q} \
            --pmids-out {output.pmids:q} \
            --ledger {output.ledger:q}
        """


rule fetch_found:
    input:
        pmids=f"{RUN}/retrieval/pmids.txt",
        snapshot=SNAPSHOT_FILES,
        program="scripts/fetch_records.py",
        library=library("scripts/fetch_records.py"),
    output:
        records=f"{RUN}/retrieval/records.parquet",
        ledger=f"{RUN}/ledger/fetch_found.json",
    log:
        f"{LOGS}/fetch_found.log",
    benchmark:
        f"{LOGS}/fetch_found.bench.tsv"
    conda:
        "../envs/data.yaml"
    resources:
        network=int(ENTREZ),
    params:
        pubmed=PUBMED,
        refresh=[] if C.evidence.refresh_days is None else ["--refresh-days", C.evidence.refresh_days],
    message:
        "Getting the PubMed records of the studies found"
    shell:
        r"""
        exec > >(tee {log:q}) 2>&1
        python {input.program:q} {params.pubmed:q} {params.refresh:q} \
            --pmids {input.pmids:q} \
            --out {output.records:q} \
            --ledger {output.ledger:q}
        """


rule condense_found:
    input:
        records=f"{RUN}/retrieval/records.parquet",
        program="scripts/condense_abstracts.py",
        library=library("scripts/condense_abstracts.py"),
    output:
        condensed=f"{RUN}/retrieval/condensed.parquet",
        ledger=f"{RUN}/ledger/condense_found.json",
    log:
        f"{LOGS}/condense_found.log",
    benchmark:
        f"{LOGS}/condense_found.bench.tsv"
    conda:
        "../envs/data.yaml"
    params:
        unstructured=C.evidence.unstructured,
    message:
        "Condensing the abstracts of the studies found"
    shell:
        r"""
        exec > >(tee {log:q}) 2>&1
        python {input.program:q} \
            --records {input.records:q} \
            --unstructured {params.unstructured} \
            --out {output.condensed:q} \
            --ledger {output.ledger:q}
        """
