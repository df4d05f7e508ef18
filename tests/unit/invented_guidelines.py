"""Invented guideline tables and a tiny tokenizer, as the dataset's tests need them."""

from pathlib import Path

import polars as pl

from acrflow import schemas
from acrflow.schemas.dataset import Rows
from acrflow.schemas.evidence import Condensed, Pmids
from acrflow.schemas.guideline import Guidelines, row_id
from acrflow.tasks.appropriateness import MBA, UA, UNA

PROCEDURES = {"US velum": UA, "CT velum with IV contrast": MBA, "MRI velum": MBA, "Radiography velum": UNA}
FINDINGS = {"MRI velum": "MRI showed 94% of lesions [1,2].", "US velum": "US is quick. US needs no contrast [3]."}


def guidelines_of(topics: int = 3, variants: int = 4, copies: int = 3) -> pl.DataFrame:
    """`copies` regions times four procedures per variant; three labels in every variant."""
    values = [
        {
            "topic": f"topic_{topic}",
            "condition": f"Morvane syndrome type {topic}",
            "variant_number": variant,
            "variant": f"Adult, scenario {variant} of type {topic}. Initial imaging.",
            "procedure": f"{procedure} {region}",
            "appropriateness": label,
            "references": [1, 2, 3, 4, 5],
            "reasoning": FINDINGS.get(procedure),
            "join": "exact",
            "join_score": 1.0,
        }
        for topic in range(topics)
        for variant in range(1, variants + 1)
        for procedure, label in PROCEDURES.items()
        for region in range(copies)
    ]
    for row in values:
        row["id"] = row_id(str(row["topic"]), str(row["variant"]), str(row["procedure"]))
    return pl.DataFrame(values, schema=schemas.polars_schema(Guidelines))


def rows_of(guidelines: pl.DataFrame) -> pl.DataFrame:
    """The same rows as `schemas.dataset.Rows`, without traces and evidence."""
    schema = schemas.polars_schema(Rows)
    empty = [pl.lit([], dtype=schema[name]).alias(name) for name in ("traces", "evidence", "evidence_left_out")]
    unknown = [pl.lit(None, dtype=schema[name]).alias(name) for name in ("soft_label", "label_entropy")]
    return guidelines.with_columns(empty + unknown).select(schema.keys())


def pmids_of(topics: int = 3) -> pl.DataFrame:
    """Five references per topic: three with a PMID that has a record, one without a record, one without PMID."""
    values = [
        {
            "topic": f"topic_{topic}",
            "number": number,
            "pmid": None if number == 5 else 99_000_000 + 10 * topic + number,
            "status": "not_a_pmid" if number == 5 else "given",
            "study_quality": str(number) if number < 5 else None,
        }
        for topic in range(topics)
        for number in range(1, 6)
    ]
    return pl.DataFrame(values, schema=schemas.polars_schema(Pmids))


def condensed_of(topics: int = 3) -> pl.DataFrame:
    """Texts for references 1 and 2 of each topic; reference 3 is retracted and 4 is unknown."""
    values = [
        {
            "pmid": 99_000_000 + 10 * topic + number,
            "text": None if number == 3 else f"Study {number} of type {topic} found the lesion in 9 of 10 adults.",
            "words_before": 20,
            "words_after": 0 if number == 3 else 12,
            "dropped": "retracted" if number == 3 else None,
        }
        for topic in range(topics)
        for number in range(1, 4)
    ]
    return pl.DataFrame(values, schema=schemas.polars_schema(Condensed))


def write_tokenizer(folder: Path, pad: str | None = "<pad>", eos: str = "<end>", ended: bool = True) -> Path:
    """A byte-level tokenizer with a chat template, saved to `folder`.

    Args:
        pad: its padding token, None for none.
        eos: its end-of-sequence token.
        ended: whether the template writes the end of sequence after an answer, as it does after the other messages.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    bytes_only = Tokenizer(models.BPE())
    bytes_only.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bytes_only.decoder = decoders.ByteLevel()
    special = [eos, *([pad] if pad and pad != eos else [])]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    bytes_only.train_from_iterator([], trainers.BpeTrainer(special_tokens=special, initial_alphabet=alphabet))
    end = eos if ended else "{% if message['role'] != 'assistant' %}" + eos + "{% endif %}"
    template = (
        "{% for message in messages %}<{{ message['role'] }}>{{ message['content'] }}" + end + "{% endfor %}"
        "{% if add_generation_prompt %}<assistant>{% endif %}"
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bytes_only, eos_token=eos, pad_token=pad, chat_template=template
    )
    tokenizer.save_pretrained(folder)
    return folder
