"""Evidence: from cited references to condensed abstracts.

needs   guidelines/{topic}.json (rule parse_guideline); none of a table, which names no references; the network, if evidence.source is entrez
makes   evidence/pmids.parquet, evidence/records.parquet, evidence/condensed.parquet (with a condenser, extracted.parquet first)
reads   config: evidence
"""

ENTREZ = settings.evidence.source == "entrez"
SNAPSHOT_FILES = [] if settings.evidence.source in ("entrez", "none") else layout.snapshot
# what says where records come from, in every program; NCBI's key stays in the environment
PUBMED = ["--source", layout.snapshot]
if ENTREZ:
    PUBMED += ["--cache", settings.evidence.cache, "--url", settings.evidence.url]
    PUBMED += ["--email", settings.evidence.email] if settings.evidence.email else []
    PUBMED += [] if settings.evidence.off_peak else ["--any-time"]


rule list_references:
    input:
        guidelines=expand(f"{RUN}/guidelines/{{topic}}.json", topic=layout.parsed),
        snapshot=SNAPSHOT_FILES,
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
        *code_of("evidence/list_references.py"),
        program=program("evidence/list_references.py"),
        pubmed=PUBMED,
    message:
        "Listing the cited references and looking for those without a PMID"
    shell:
        r"""
        exec > >(tee {log:q}) 2>&1
        python {params.program:q} {params.pubmed:q} \
            --guidelines {input.guidelines:q} \
            --out {output.pmids:q} \
            --ledger {output.ledger:q}
        """


rule fetch_records:
    input:
        pmids=f"{RUN}/evidence/pmids.parquet",
        snapshot=SNAPSHOT_FILES,
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
        *code_of("evidence/fetch_records.py"),
        program=program("evidence/fetch_records.py"),
        pubmed=PUBMED,
        refresh=[] if settings.evidence.refresh_days is None else ["--refresh-days", settings.evidence.refresh_days],
    message:
        "Getting the PubMed records of the cited studies"
    shell:
        r"""
        exec > >(tee {log:q}) 2>&1
        python {params.program:q} {params.pubmed:q} {params.refresh:q} \
            --pmids {input.pmids:q} \
            --out {output.records:q} \
            --ledger {output.ledger:q}
        """


rule condense_abstracts:
    input:
        records=f"{RUN}/evidence/records.parquet",
    output:
        condensed=f"{RUN}/evidence/{'extracted' if settings.evidence.condenser else 'condensed'}.parquet",
        ledger=f"{RUN}/ledger/condense_abstracts.json",
    log:
        f"{LOGS}/condense_abstracts.log",
    benchmark:
        f"{LOGS}/condense_abstracts.bench.tsv"
    conda:
        "../envs/data.yaml"
    params:
        *code_of("evidence/condense_abstracts.py"),
        program=program("evidence/condense_abstracts.py"),
        unstructured=settings.evidence.unstructured,
    message:
        "Condensing abstracts to their results and conclusions"
    shell:
        r"""
        exec > >(tee {log:q}) 2>&1
        python {params.program:q} \
            --records {input.records:q} \
            --unstructured {params.unstructured} \
            --out {output.condensed:q} \
            --ledger {output.ledger:q}
        """


if settings.evidence.condenser:

    rule rewrite_abstracts:
        input:
            extracted=f"{RUN}/evidence/extracted.parquet",
            records=f"{RUN}/evidence/records.parquet",
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
            network=int(settings.evidence.condenser.backend == "server"),
        params:
            *code_of("evidence/rewrite_abstracts.py"),
            program=program("evidence/rewrite_abstracts.py"),
            condenser=lambda wildcards: settings.evidence.condenser,
            revision=(
                [f"--revision={settings.evidence.condenser.revision}"] if settings.evidence.condenser.revision else []
            ),
            template=lambda wildcards: json.dumps(settings.evidence.condenser.template, sort_keys=True),
            cache=f"{RUN}/completions/rewrite_abstracts.jsonl",
        message:
            "Condensing abstracts with {params.condenser.model}"
        shell:
            r"""
            exec > >(tee {log:q}) 2>&1
            python {params.program:q} \
                --condensed {input.extracted:q} \
                --records {input.records:q} \
                --model {params.condenser.model:q} \
                --backend {params.condenser.backend} \
                --url {params.condenser.url:q} \
                --key {params.condenser.key:q} \
                --dtype {params.condenser.dtype} \
                --quantization {params.condenser.quantization} \
                --template {params.template:q} \
                --batch {params.condenser.batch} \
                --max-new-tokens {params.condenser.new_tokens} \
                --cache {params.cache:q} \
                --out {output.condensed:q} \
                --ledger {output.ledger:q} {params.revision:q}
            """


include: "retrieval.smk"
include: "judgement.smk"
