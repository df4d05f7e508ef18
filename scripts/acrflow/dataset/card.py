"""The dataset's card: what is in it, what was left out, what leaks, and on which terms."""

from pathlib import Path
from typing import Any

import polars as pl
from jinja2 import Environment, StrictUndefined

from acrflow.dataset.leaks import label_counts
from acrflow.files import sha256
from acrflow.labels import LABELS

TEMPLATE = """\
# Dataset card

Rows of condition x variant x procedure with the guideline's label, its reasoning as traces, and the abstracts it cites.

## Counts

| stage | rows |
| --- | ---: |
| rated rows in the guidelines | {{ ledger.taken }} |
{% for reason, left in ledger.left_out.items() -%}
| left out: {{ reason }} | {{ left.count }} |
{% endfor -%}
| in the dataset | {{ ledger.kept }} |

{% for key, value in settings.items() -%}
- {{ key }}: {{ value }}
{% endfor %}
## Splits

| split | topics | variants | rows | {{ labels | join(" | ") }} | with reasoning | with evidence |
| --- | ---: | ---: | ---: |{{ " ---: |" * labels | length }} ---: | ---: |
{% for split in splits -%}
| {{ split.name }} | {{ split.topics }} | {{ split.variants }} | {{ split.rows }} | {{ split.labels | join(" | ") }} \
| {{ split.reasoned }} | {{ split.evidenced }} |
{% endfor %}
## References

{{ references.cited }} cited, {{ references.shown }} shown in a prompt, {{ references.over_budget }} beyond the token \
budget, {{ references.without_text }} without a text.

{% for topic, reasons in references.without_text_by_topic.items() -%}
- {{ topic }}: {% for reason, count in reasons.items() %}{{ count }} {{ reason }}{{ ", " if not loop.last }}{% endfor %}
{% endfor %}
## Leaks

Against the {{ leaks.train.rows }} training rows; near duplicates are inputs whose similarity is at least \
{{ leaks.near_duplicate_threshold }}. `leaks.json` lists them.

| split | rows | shared variants | rows of shared variants | near duplicates | with the same label | shared studies \
| label skew |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
{% for name, leak in leaks.splits.items() -%}
| {{ name }} | {{ leak.rows }} | {{ leak.variants_shared }} | {{ leak.rows_of_shared_variants }} \
| {{ leak.near_duplicates }} | {{ leak.near_duplicates_with_the_same_label }} \
| {{ leak.references_shared }} of {{ leak.references }} \
| {{ leak.label_skew if leak.label_skew is not none else "-" }} |
{% endfor %}
## Sources

| file | SHA-256 |
| --- | --- |
{% for name, digest in sources.items() -%}
| {{ name }} | `{{ digest }}` |
{% endfor %}
## Terms

Guideline text in this dataset comes from the documents that the user supplied: it is the user's own copy, under its
publisher's terms, and is not redistributed. Abstracts may be their publishers'. Nothing here is medical advice.
"""


def write_card(
    splits: dict[str, pl.DataFrame],
    leaks: dict[str, Any],
    ledger: dict[str, Any],
    settings: dict[str, Any],
    sources: list[Path],
) -> str:
    """The card as Markdown.

    Args:
        splits: name -> rows (`schemas.Rows`).
        leaks: from `leaks.report`.
        ledger: the build's ledger as plain values, with the fact "references".
        settings: what the split was made with, for the reader.
        sources: files that the dataset was built from.
    """
    environment = Environment(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True)
    return environment.from_string(TEMPLATE).render(
        labels=LABELS,
        splits=[_summary(name, rows) for name, rows in splits.items()],
        leaks=leaks,
        ledger=ledger,
        references=ledger["facts"]["references"],
        settings=settings,
        sources={source.name: sha256(source) for source in sources},
    )


def _summary(name: str, rows: pl.DataFrame) -> dict[str, Any]:
    return {
        "name": name,
        "topics": rows["topic"].n_unique(),
        "variants": rows.select("topic", "variant").n_unique(),
        "rows": len(rows),
        "labels": list(label_counts(rows).values()),
        "reasoned": rows.filter(pl.col("traces").list.len() > 0).height,
        "evidenced": rows.filter(pl.col("evidence").list.len() > 0).height,
    }
