"""Evidence: from cited references to condensed abstracts.

needs   guidelines/{topic}.json (rule parse_guideline); none of a table, which names no references; the network, if evidence.source is entrez
makes   evidence/pmids.parquet, evidence/records.parquet, evidence/condensed.parquet (with a condenser, extracted.parquet first)
reads   config: evidence
"""

ENTREZ = C.evidence.source == "entrez"
SNAPSHOT_FILES = [] if C.evidence.source in ("entrez", "none") else SNAPSHOT
# what says where records come from, in every program; NCBI's key stays in the environment
PUBMED = ["--source", SNAPSHOT]
if ENTREZ:
    PUBMED += ["--cache", C.evidence.cache, "--url", C.evidence.url]
    PUBMED += ["--email", C.evidence.email] if C.evidence.email else []
    PUBMED += [] if C.evidence.off_peak else ["--any-time"]


rule list_references:
    input:
        guidelines=expand(f"{RUN}/guidelines/{{topic}}.json", topic=PARSED),
        snapshot=SNAPSHOT_FILES,
        program="scripts/evidence/list_references.py",
        library=library("scripts/evidence/list_references.py"),
    output:
        pmids=f"{RUN}/evidence/pmids.parquet",
        ledger=f"{RUN}/ledger/list_references.json",
    log:
        f"{LOGS}/list_references.log",
    benchmark:
        f"{LOGS}/list_references.bench.tsv"
    conda:
        "../envs/data.yaml"
    resources:
        network=int(ENTREZ),
    params:
        pubmed=PUBMED,
    message:
        "Listing the cited references and looking for those without a PMID"
    shell:
        r"""
        exec > >(tee {log:q}) 2>&1
        python {input.program:q} {params.pubmed:q} \
            --guidelines {input.guidelines:q} \
            --out {output.pmids:q} \
            --ledger {output.ledger:q}
        """


rule fetch_records:
    input:
        pmids=f"{RUN}/evidence/pmids.parquet",
        snapshot=SNAPSHOT_FILES,
        program="scripts/evidence/fetch_records.py",
        library=library("scripts/evidence/fetch_records.py"),
    output:
        records=f"{RUN}/evidence/records.parquet",
        ledger=f"{RUN}/ledger/fetch_records.json",
    log:
        f"{LOGS}/fetch_records.log",
    benchmark:
        f"{LOGS}/fetch_records.bench.tsv"
    conda:
        "../envs/data.yaml"
    resources:
        network=int(ENTREZ),
    params:
        pubmed=PUBMED,
        refresh=[] if C.evidence.refresh_days is None else ["--refresh-days", C.evidence.refresh_days],
    message:
        "Getting the PubMed records of the cited studies"
    shell:
        r"""
        exec > >(tee {log:q}) 2>&1
        python {input.program:q} {params.pubmed:q} {params.refresh:q} \
            --pmids {input.pmids:q} \
            --out {output.records:q} \
            --ledger {output.ledger:q}
        """


rule condense_abstracts:
    input:
        records=f"{RUN}/evidence/records.parquet",
        program="scripts/evidence/condense_abstracts.py",
        library=library("scripts/evidence/condense_abstracts.py"),
    output:
        condensed=f"{RUN}/evidence/{'extracted' if C.evidence.condenser else 'condensed'}.parquet",
        ledger=f"{RUN}/ledger/condense_abstracts.json",
    log:
        f"{LOGS}/condense_abstracts.log",
    benchmark:
        f"{LOGS}/condense_abstracts.bench.tsv"
    conda:
        "../envs/data.yaml"
    params:
        unstructured=C.evidence.unstructured,
    message:
        "Condensing abstracts to their results and conclusions"
    shell:
        r"""
        exec > >(tee {log:q}) 2>&1
        python {input.program:q} \
            --records {input.records:q} \
            --unstructured {params.unstructured} \
            --out {output.condensed:q} \
            --ledger {output.ledger:q}
        """


if C.evidence.condenser:

    rule rewrite_abstracts:
        input:
            extracted=f"{RUN}/evidence/extracted.parquet",
            records=f"{RUN}/evidence/records.parquet",
            program="scripts/evidence/rewrite_abstracts.py",
            library=library("scripts/evidence/rewrite_abstracts.py"),
        output:
            condensed=f"{RUN}/evidence/condensed.parquet",
            ledger=f"{RUN}/ledger/rewrite_abstracts.json",
        log:
            f"{LOGS}/rewrite_abstracts.log",
        benchmark:
            f"{LOGS}/rewrite_abstracts.bench.tsv"
        conda:
            "../envs/train.yaml"
        resources:
            network=int(C.evidence.condenser.backend == "server"),
        params:
            condenser=lambda wildcards: C.evidence.condenser,
            revision=[f"--revision={C.evidence.condenser.revision}"] if C.evidence.condenser.revision else [],
            cache=f"{RUN}/completions/rewrite_abstracts.jsonl",
        message:
            "Condensing abstracts with {params.condenser.model}"
        shell:
            r"""
            exec > >(tee {log:q}) 2>&1
            python {input.program:q} \
                --condensed {input.extracted:q} \
                --records {input.records:q} \
                --model {params.condenser.model:q} \
                --backend {params.condenser.backend} \
                --url {params.condenser.url:q} \
                --key {params.condenser.key:q} \
                --dtype {params.condenser.dtype} \
                --quantization {params.condenser.quantization} \
                --batch {params.condenser.batch} \
                --max-new-tokens {params.condenser.new_tokens} \
                --cache {params.cache:q} \
                --out {output.condensed:q} \
                --ledger {output.ledger:q} {params.revision:q}
            """


include: "retrieval.smk"
include: "judgement.smk"
