"""The split is seeded, stratified, stable, and never parts what it must keep together."""

import polars as pl
import pytest
from invented_guidelines import guidelines_of

from acrflow.dataset.split import split
from acrflow.io.errors import InputError
from acrflow.tasks.appropriateness import LABELS, UA

KINDS = ["row", "variant", "topic"]


def ids(frame: pl.DataFrame) -> set[str]:
    return set(frame["id"])


@pytest.mark.parametrize("kind", KINDS)
def test_every_row_is_in_exactly_one_split(kind):
    rows = guidelines_of(topics=12)
    splits = split(rows, kind, 0.3, 7, ["topic_11"])
    assert sum(len(part) for part in splits) == len(rows)
    assert ids(splits.train) | ids(splits.test) | ids(splits.generalization) == ids(rows)
    assert set(splits.generalization["topic"]) == {"topic_11"}
    assert "topic_11" not in {*splits.train["topic"], *splits.test["topic"]}


@pytest.mark.parametrize("kind", KINDS)
def test_adding_a_topic_moves_no_other_row(kind):
    before = split(guidelines_of(topics=12), kind, 0.3, 7, [])
    after = split(guidelines_of(topics=14), kind, 0.3, 7, [])
    assert ids(before.test) <= ids(after.test)
    assert ids(before.train) <= ids(after.train)


@pytest.mark.parametrize("kind", KINDS)
def test_the_order_of_the_rows_does_not_matter_and_the_seed_does(kind):
    rows = guidelines_of(topics=12)
    one = split(rows, kind, 0.3, 7, [])
    assert ids(split(rows.sample(fraction=1, shuffle=True, seed=1), kind, 0.3, 7, []).test) == ids(one.test)
    assert ids(split(rows, kind, 0.3, 8, []).test) != ids(one.test)


def test_a_row_split_holds_the_share_in_every_label():
    splits = split(guidelines_of(topics=20), "row", 0.3, 7, [])
    for label in LABELS:
        tested, trained = (
            frame.filter(pl.col("appropriateness") == label).height for frame in (splits.test, splits.train)
        )
        assert tested / (tested + trained) == pytest.approx(0.3, abs=0.02)


def test_the_share_holds_over_strata_of_a_single_row():
    rows = guidelines_of(topics=200, variants=1, copies=1)
    assert len(split(rows, "row", 0.3, 7, []).test) / len(rows) == pytest.approx(0.3, abs=0.04)


@pytest.mark.parametrize(("kind", "key"), [("variant", ["topic", "variant"]), ("topic", ["topic"])])
def test_no_variant_or_topic_stands_on_both_sides(kind, key):
    splits = split(guidelines_of(topics=12), kind, 0.3, 7, [])
    assert not set(splits.train.select(key).iter_rows()) & set(splits.test.select(key).iter_rows())


@pytest.mark.parametrize("seed", range(20))
def test_two_topics_always_split_into_one_and_one(seed):
    splits = split(guidelines_of(topics=2), "topic", 0.3, seed, [])
    assert len(splits.train) == len(splits.test) > 0


def test_a_label_without_test_rows_is_an_error_that_names_it():
    rows = guidelines_of(topics=1).filter((pl.col("appropriateness") != UA) | (pl.col("variant_number") == 1))
    with pytest.raises(InputError, match=f"test split.*none of them {UA}"):
        for seed in range(50):
            split(rows, "variant", 0.3, seed, [])


def test_an_unknown_generalization_topic_is_an_error_that_names_the_known_ones():
    with pytest.raises(InputError, match=r"no rows of topic telvic(.|\n)*topic_0, topic_1"):
        split(guidelines_of(topics=2), "row", 0.3, 7, ["telvic"])


def test_holding_out_every_topic_is_an_error():
    with pytest.raises(InputError, match="every topic is held out"):
        split(guidelines_of(topics=1), "row", 0.3, 7, ["topic_0"])
