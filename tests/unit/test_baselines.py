"""The cheap baselines predict in the form of every other model."""

import polars as pl
import pytest
from invented_guidelines import guidelines_of, rows_of

from acrflow import completion, schemas
from acrflow.dataset.baselines import BASELINES, predict
from acrflow.dataset.split import split
from acrflow.labels import MBA


@pytest.fixture(scope="module")
def splits():
    return split(rows_of(guidelines_of(topics=6)), "row", 0.3, 7, [])


def test_majority_answers_the_most_frequent_training_label(splits):
    assert set(predict("majority", splits.train, splits.test, "test", 7)["label"]) == {MBA}


def test_tfidf_learns_what_the_procedure_tells(splits):
    predictions = predict("tfidf_logreg", splits.train, splits.test, "test", 7)
    assert predictions["label"].to_list() == splits.test["appropriateness"].to_list()


@pytest.mark.parametrize("name", BASELINES)
def test_predictions_parse_like_those_of_a_model(splits, name):
    predictions = predict(name, splits.train, splits.test, "test", 7)
    schemas.Predictions.validate(predictions)
    assert predictions["id"].to_list() == splits.test["id"].to_list()
    assert [completion.parse(text).label for text in predictions["completion"]] == predictions["label"].to_list()
    assert set(predictions.select("model", "split", "draw").iter_rows()) == {(name, "test", "greedy")}


@pytest.mark.parametrize("name", BASELINES)
def test_the_order_of_the_test_rows_does_not_matter(splits, name):
    there = predict(name, splits.train, splits.test, "test", 7)
    back = predict(name, splits.train, splits.test.reverse(), "test", 7)
    assert there.select("id", "label").sort("id").equals(back.select("id", "label").sort("id"))


def test_a_split_without_rows_has_no_predictions(splits):
    predictions = predict("tfidf_logreg", splits.train, splits.test.clear(), "generalization", 7)
    schemas.Predictions.validate(predictions)
    assert predictions.equals(pl.DataFrame(schema=predictions.schema))
