"""Answer one case: label, probabilities, reasoning, and the evidence shown. For research; not a medical device."""

import argparse
import json
from pathlib import Path

from acrflow.io.errors import InputError, run

PROMPTS = Path(__file__).parents[1] / "config" / "prompts"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--adapter", required=True, help="folder of an adapter, or its name within --run")
    parser.add_argument("--run", type=Path, default=Path("results/paper"), help="folder of a run (results/paper)")
    parser.add_argument("--base", help="base model (default: the one the adapter was trained on)")
    parser.add_argument("--condition", required=True, help='for instance "Acute Pancreatitis"')
    parser.add_argument("--variant", required=True, help="the clinical scenario, in a guideline's words")
    parser.add_argument("--procedure", required=True, help='for instance "CT abdomen with IV contrast"')
    parser.add_argument("--pmids", type=int, nargs="*", default=[], help="studies to show the model, in this order")
    parser.add_argument("--source", help="where they come from: entrez, or a folder of EFetch XML (default: the run)")
    parser.add_argument("--cache", type=Path, default=Path("cache/pubmed"), help="entrez: folder of fetched records")
    parser.add_argument("--email", help="entrez: your address, which NCBI asks for")
    parser.add_argument("--tokens", type=int, default=3300, help="token budget of the evidence (default 3300)")
    parser.add_argument("--max-new-tokens", type=int, help="length limit in tokens (default: as in training)")
    parser.add_argument("--backend", choices=["transformers", "vllm"], default="transformers")
    parser.add_argument("--json", action="store_true", help="print JSON")
    args = parser.parse_args()

    from acrflow.evidence.access import URL, open_source
    from acrflow.service import recommend

    case = {"condition": args.condition, "variant": args.variant, "procedure": args.procedure}
    adapter = recommend.find_adapter(args.adapter, args.run)
    if args.source:
        given = argparse.Namespace(
            source=args.source, cache=args.cache, email=args.email, url=URL, refresh_days=None, any_time=False,
            timeout=60.0, attempts=8, backoff=1.0,
        )  # fmt: skip
        with open_source(given) as source:
            studies = recommend.fetched(args.pmids, source)
    else:
        studies = recommend.known(args.pmids, args.run / "evidence" / "condensed.parquet")
    unread = [str(pmid) for pmid in args.pmids if pmid not in studies]
    if unread:
        what = f"no usable abstract of {', '.join(unread)} (absent, retracted, or without an abstract)"
        raise InputError("--pmids", what, "leave them out, or get them with --source entrez --email you@example.org")

    answer = recommend.answer(adapter, args.base, args.run, PROMPTS, case, studies, args.tokens, args.max_new_tokens,
                              args.backend)  # fmt: skip
    if args.json:
        print(json.dumps(answer, indent=2, ensure_ascii=False))
        return
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


if __name__ == "__main__":
    run(main)
