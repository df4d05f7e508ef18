"""Evidence: from cited references to condensed abstracts.

needs   guidelines/{topic}.json (rule parse_guideline)
makes   evidence/pmids.parquet, evidence/records.parquet, evidence/condensed.parquet
reads   config: evidence
"""


rule list_references:
    input:
        guidelines=expand(f"{RUN}/guidelines/{{topic}}.json", topic=TOPICS),
        program="scripts/list_references.py",
        library=library("scripts/list_references.py"),
    output:
        pmids=f"{RUN}/evidence/pmids.parquet",
        ledger=f"{RUN}/ledger/list_references.json",
    log:
        f"{LOGS}/list_references.log",
    benchmark:
        f"{LOGS}/list_references.bench.tsv"
    conda:
        "../envs/data.yaml"
    message:
        "Listing the cited references"
    shell:
        r"""
        exec > >(tee {log:q}) 2>&1
        python {input.program:q} \
            --guidelines {input.guidelines:q} \
            --out {output.pmids:q} \
            --ledger {output.ledger:q}
        """


rule fetch_records:
    input:
        pmids=f"{RUN}/evidence/pmids.parquet",
        snapshot=[] if C.evidence.source in ("entrez", "none") else SNAPSHOT,
        program="scripts/fetch_records.py",
        library=library("scripts/fetch_records.py"),
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
        network=1 if C.evidence.source == "entrez" else 0,
        mem_mb=2000,
        runtime=240,
    params:
        source=lambda wildcards: SNAPSHOT,
        cache=C.evidence.cache,
        url=C.evidence.url,
        email=f"--email={C.evidence.email}" if C.evidence.email else "",
    message:
        "Reading the PubMed records of the cited studies from {params.source}"
    shell:
        r"""
        exec > >(tee {log:q}) 2>&1
        python {input.program:q} \
            --source {params.source:q} \
            --pmids {input.pmids:q} \
            --cache {params.cache:q} \
            --url {params.url:q} \
            --out {output.records:q} \
            --ledger {output.ledger:q} {params.email}
        """


rule condense_abstracts:
    input:
        records=f"{RUN}/evidence/records.parquet",
        program="scripts/condense_abstracts.py",
        library=library("scripts/condense_abstracts.py"),
    output:
        condensed=f"{RUN}/evidence/condensed.parquet",
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
