"""Guidelines: from documents to one table of rated rows.

needs   per topic a narrative.pdf, an appendix (PDF or HTML) and perhaps an evidence table (invented, downloaded, or the
        user's own folder); or a table of rows
makes   guidelines/{topic}.json, guidelines/{topic}.qa.json, studies.parquet (not of a table), guidelines.parquet
reads   config: documents, topics, table, generalization, download
"""

if C.documents == "download":

    rule download_documents:
        input:
            program="scripts/guidelines/download_documents.py",
            library=library("scripts/guidelines/download_documents.py"),
        output:
            documents=directory(f"{RUN}/documents/{{topic}}"),
        log:
            f"{LOGS}/download_documents/{{topic}}.log",
        conda:
            "../envs/data.yaml"
        resources:
            network=1,  # one networked job at a time: `resources: network=1` in the profiles
        params:
            topic=lambda wildcards: TOPICS[wildcards.topic],
            folder=C.download.folder,  # undeclared, so that what has arrived outlives a failed job
            url=C.download.url,
            pages=lambda wildcards: C.download.pages.model_dump_json(),  # its {acr_id} is no wildcard
            contact=["--contact", C.download.contact] if C.download.contact else [],
            pause=C.download.seconds_between_requests,
            accept="--accept-acr-terms" if C.download.accept_acr_terms else "",
        message:
            "Downloading the documents of {wildcards.topic}"
        shell:
            r"""
            exec > >(tee {log:q}) 2>&1
            python {input.program:q} \
                --topic {wildcards.topic:q} \
                --acr-id {params.topic.acr_id:q} \
                --panel {params.topic.panel:q} \
                --title {params.topic.title:q} \
                --url {params.url:q} \
                --pages {params.pages:q} \
                --pause {params.pause} \
                --folder {params.folder:q} \
                --out {output.documents:q} {params.contact:q} {params.accept}
            """

    onstart:
        missing = [topic for topic in TOPICS if not Path(f"{RUN}/documents/{topic}").is_dir()]
        if missing and not C.download.accept_acr_terms:
            raise WorkflowError(
                "download.accept_acr_terms: the ACR's terms of use are not accepted\n  Remedy: read them on the ACR's "
                "site, then set download.accept_acr_terms: true; or name a folder of your own in `documents`"
            )


rule parse_guideline:
    input:
        unpack(lambda wildcards: documents(wildcards.topic)),
        program="scripts/guidelines/parse_guideline.py",
        library=library("scripts/guidelines/parse_guideline.py"),
    output:
        guideline=f"{RUN}/guidelines/{{topic}}.json",
        qa=f"{RUN}/guidelines/{{topic}}.qa.json",
    log:
        f"{LOGS}/parse_guideline/{{topic}}.log",
    conda:
        "../envs/data.yaml"
    params:
        documents=lambda wildcards: f"{DOCUMENTS}/{wildcards.topic}",
    message:
        "Reading the guideline on {wildcards.topic}"
    shell:
        r"""
        exec > >(tee {log:q}) 2>&1
        python {input.program:q} \
            --topic {wildcards.topic:q} \
            --documents {params.documents:q} \
            --out {output.guideline:q} \
            --qa {output.qa:q}
        """


if C.source == "table":

    rule read_table:
        input:
            table=C.documents,
            topics=C.topics.table or [],
            program="scripts/guidelines/read_table.py",
            library=library("scripts/guidelines/read_table.py"),
        output:
            guidelines=f"{RUN}/guidelines.parquet",
            ledger=f"{RUN}/ledger/read_table.json",
        log:
            f"{LOGS}/read_table.log",
        benchmark:
            f"{LOGS}/read_table.bench.tsv"
        conda:
            "../envs/data.yaml"
        params:
            settings=lambda wildcards: C.table.model_dump_json(),
            topics=["--topics", C.topics.table] if C.topics.table else [],
            held_out=HELD_OUT,
            leave_out=C.topics.leave_out,
        message:
            "Reading the rated rows of {input.table}"
        shell:
            r"""
            exec > >(tee {log:q}) 2>&1
            python {input.program:q} \
                --table {input.table:q} \
                --settings {params.settings:q} \
                --held-out {params.held_out:q} \
                --leave-out {params.leave_out:q} \
                --out {output.guidelines:q} \
                --ledger {output.ledger:q} {params.topics:q}
            """

else:

    rule collect_guidelines:
        input:
            guidelines=expand(f"{RUN}/guidelines/{{topic}}.json", topic=PARSED),
            qa=expand(f"{RUN}/guidelines/{{topic}}.qa.json", topic=PARSED),
            program="scripts/guidelines/collect_guidelines.py",
            library=library("scripts/guidelines/collect_guidelines.py"),
        output:
            guidelines=f"{RUN}/guidelines.parquet",
            studies=f"{RUN}/studies.parquet",
            ledger=f"{RUN}/ledger/collect_guidelines.json",
        log:
            f"{LOGS}/collect_guidelines.log",
        benchmark:
            f"{LOGS}/collect_guidelines.bench.tsv"
        conda:
            "../envs/data.yaml"
        params:
            left_out=C.topics.leave_out,
        message:
            "Collecting the rated rows of all topics"
        shell:
            r"""
            exec > >(tee {log:q}) 2>&1
            python {input.program:q} \
                --guidelines {input.guidelines:q} \
                --qa {input.qa:q} \
                --left-out {params.left_out:q} \
                --out {output.guidelines:q} \
                --studies {output.studies:q} \
                --ledger {output.ledger:q}
            """
