"""acrflow recommend: one case put to one adapter."""

import json
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

EXAMPLES = """\
Example:
  acrflow recommend --run results/demo --adapter medreason_embed \\
    --condition "Telvic Pain" --procedure "US pelvis" \\
    --variant "Acute pain of the pelvis."
"""
CASE, EVIDENCE, MODEL = "Case", "Evidence", "Model"


def recommend(
    adapter: Annotated[
        str, typer.Option(help="Folder of an adapter, or its name within --run.", rich_help_panel=MODEL)
    ],
    condition: Annotated[str, typer.Option(help="For instance 'Acute Pancreatitis'.", rich_help_panel=CASE)],
    variant: Annotated[str, typer.Option(help="The scenario, in a guideline's words.", rich_help_panel=CASE)],
    procedure: Annotated[str, typer.Option(help="For instance 'CT abdomen with IV contrast'.", rich_help_panel=CASE)],
    run: Annotated[Path, typer.Option(help="Folder of a run.", rich_help_panel=MODEL)] = Path("results/paper"),
    base: Annotated[
        str | None, typer.Option(help="Base model; default: the adapter's own.", rich_help_panel=MODEL)
    ] = None,
    backend: Annotated[
        Literal["transformers", "vllm"], typer.Option(help="What generates the answer.", rich_help_panel=MODEL)
    ] = "transformers",
    max_new_tokens: Annotated[
        int | None, typer.Option(help="Length limit in tokens; default: the training's.", rich_help_panel=MODEL)
    ] = None,
    pmid: Annotated[
        list[int] | None,
        typer.Option(metavar="PMID", help="A study to show; repeat it for more, in order.", rich_help_panel=EVIDENCE),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            help="Where studies come from: entrez, or a folder of EFetch XML; default: the run.",
            rich_help_panel=EVIDENCE,
        ),
    ] = None,
    cache: Annotated[Path, typer.Option(help="Entrez: folder of fetched records.", rich_help_panel=EVIDENCE)] = Path(
        "cache/pubmed"
    ),
    email: Annotated[
        str | None, typer.Option(help="Entrez: your address, which NCBI asks for.", rich_help_panel=EVIDENCE)
    ] = None,
    tokens: Annotated[int, typer.Option(help="Token budget of the evidence.", rich_help_panel=EVIDENCE)] = 3300,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Answer one case: label, probabilities, reasoning, and the evidence shown.

    For research; not a medical device.
    """
    from acrflow.service import recommend as service

    case = {"condition": condition, "variant": variant, "procedure": procedure}
    folder = service.find_adapter(adapter, run)
    studies = service.find_studies(pmid or [], run, source, cache, email)
    prompts = Path("config/prompts")
    answer = service.answer(folder, base, run, prompts, case, studies, tokens, max_new_tokens, backend)
    if as_json:
        print(json.dumps(answer, indent=2, ensure_ascii=False))
    else:
        show(answer)


def show(answer: dict[str, Any]) -> None:
    """Print an answer for a reader."""
    print(f"{answer['label'] or 'No label: the answer does not parse'}")
    if answer["probabilities"]:
        print("  " + ", ".join(f"{label} {share:.0%}" for label, share in answer["probabilities"].items()))
    print(f"\nReasoning\n  {answer['reasoning'] or 'none'}")
    print(f"\nEvidence shown ({len(answer['evidence'])})")
    for study in answer["evidence"]:
        print(f"  [{study['number']}] PMID {study['pmid']}: {study['text']}")
    for note in answer["notes"]:
        print(f"Note: {note}")
    print("\nFor research. Not a medical device, and no substitute for a clinician's judgement.")
