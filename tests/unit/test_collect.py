"""The table of all rows holds every row once, in order, with what the topics say."""

from typing import Any

import pytest

from acrflow.guideline.collect import collect
from acrflow.guideline.model import Guideline, Row, RowReference, Variant
from acrflow.io.errors import InputError
from acrflow.io.ledger import Ledger
from acrflow.schemas.guideline import Guidelines


def row(procedure: str, category: str = "Usually Appropriate", **values: Any) -> Row:
    bare: dict[str, Any] = dict.fromkeys(Row.model_fields)
    return Row(
        **bare
        | {"references": [], "join": "none", "join_score": 0.0}
        | values
        | {"procedure": procedure, "category": category}
    )


def guideline(topic: str, *rows: Row) -> Guideline:
    variant = Variant(number=1, text="Glimmer.", introduction=None, rows=list(rows))
    return Guideline(topic=topic, title=topic.title(), revision=None, year=None, variants=[variant], bibliography=[])


def test_rows_keep_their_order_their_references_and_their_gaps() -> None:
    reference = RowReference(number=7, printed="-3", pmid=None, study_quality="Good")
    ledger = Ledger("collect_guidelines", "rows")
    table = collect(
        [guideline("b", row("US", references=[reference]), row("CT", votes=[0] * 9)), guideline("a", row("US"))], ledger
    )
    Guidelines.validate(table)
    assert table["topic"].to_list() == ["b", "b", "a"]
    assert table["references"].to_list() == [[7], [], []]
    assert table["votes"].to_list() == [None, [0] * 9, None]
    assert (ledger.taken, ledger.kept, ledger.facts["topics"]) == (3, 3, 2)


def test_a_row_printed_twice_is_kept_once_and_counted() -> None:
    ledger = Ledger("collect_guidelines", "rows")
    assert collect([guideline("a", row("US"), row("US"))], ledger).height == 1
    assert ledger.as_dict()["left_out"]["printed twice"] == {"count": 1, "examples": ["a, variant 1: US"]}


def test_a_row_with_two_categories_is_an_error_that_names_it() -> None:
    with pytest.raises(InputError, match="a, variant 1: US: printed twice, as 'Usually Appropriate' and as 'May Be"):
        collect([guideline("a", row("US"), row("US", "May Be Appropriate"))], Ledger("collect_guidelines", "rows"))


def test_a_topic_given_twice_is_an_error() -> None:
    with pytest.raises(InputError, match="topic 'a' is given twice"):
        collect([guideline("a", row("US")), guideline("a", row("CT"))], Ledger("collect_guidelines", "rows"))
