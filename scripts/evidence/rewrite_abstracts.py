"""Let a language model condense the abstracts; a text with a number that its abstract lacks gives way to the rule's.

What is done is cached, batch by batch, and taken up by the next call.
"""

import argparse
import json
from pathlib import Path

from acrflow.io.errors import run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--condensed", type=Path, required=True, help="condensed table as the rule made it")
    parser.add_argument("--records", type=Path, required=True, help="records.parquet")
    parser.add_argument("--model", required=True, help="hub name, folder, or the model's name on the server")
    parser.add_argument("--revision", help="commit of the hub repository")
    parser.add_argument("--dtype", choices=["float32", "bfloat16"], default="bfloat16", help="type of the weights")
    parser.add_argument("--quantization", choices=["none", "4bit"], default="none", help="4bit needs a GPU")
    parser.add_argument("--template", type=json.loads, default={}, help="JSON: options of its chat template")
    parser.add_argument("--backend", choices=["transformers", "vllm", "server"], default="server")
    parser.add_argument("--url", default="http://127.0.0.1:8000/v1", help="address of an OpenAI-compatible server")
    parser.add_argument("--key", default="OPENAI_API_KEY", help="environment variable that holds the server's key")
    parser.add_argument("--batch", type=int, default=16, help="abstracts generated at once (default 16)")
    parser.add_argument("--max-new-tokens", type=int, default=600, help="length limit in tokens (default 600)")
    parser.add_argument("--cache", type=Path, required=True, help="JSON lines where generated texts are cached")
    parser.add_argument("--out", type=Path, required=True, help="condensed.parquet to write")
    parser.add_argument("--ledger", type=Path, required=True, help="ledger to write (JSON)")
    args = parser.parse_args()

    from acrflow import schemas
    from acrflow.config.language_model import LanguageModel
    from acrflow.evidence.entrez import progress_bar
    from acrflow.evidence.rewrite import rewrite
    from acrflow.inference.backend import Decoding
    from acrflow.inference.cache import CachedModel
    from acrflow.io.ledger import Ledger
    from acrflow.schemas.evidence import Condensed, Records

    settings = LanguageModel(**{name: getattr(args, name) for name in LanguageModel.model_fields})
    model = CachedModel.of(settings, args.cache, args.batch)
    condensed = schemas.read(Condensed, args.condensed)
    records = schemas.read(Records, args.records)
    ledger = Ledger("rewrite_abstracts", "abstracts")
    ledger.facts["model"] = args.model
    texts = condensed["text"].drop_nulls().len()
    with progress_bar(texts, "abstracts", "Condensing") as bar:
        changed = rewrite(condensed, records, model, Decoding(args.max_new_tokens), ledger, bar.update)
    schemas.write(Condensed, changed, args.out)
    ledger.write(args.ledger)
    print(f"{changed['words_after'].sum()} of {changed['words_before'].sum()} words kept")


if __name__ == "__main__":
    run(main)
