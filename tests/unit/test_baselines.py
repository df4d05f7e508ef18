"""The baselines predict in the form of every other model."""

import polars as pl
import pytest
from invented_guidelines import guidelines_of, rows_of

from acrflow.config.evaluation import BASELINES
from acrflow.dataset.split import KINDS, split
from acrflow.evaluation.baselines import FIGURES, ProcedureMajority, classifier, needs_embedder, over_splits
from acrflow.evaluation.baselines import predict as predict_splits
from acrflow.io.errors import InputError
from acrflow.io.ledger import Ledger
from acrflow.models.embedder import Embedder
from acrflow.schemas.evaluation import SplitFigures
from acrflow.schemas.inference import Predictions
from acrflow.tasks import completion
from acrflow.tasks.appropriateness import LABELS, MBA, UA, UNA


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return Embedder("bundled", "cpu")


def predict(name, train, rows, part, seed, embedder=None):
    return predict_splits(name, train, {part: rows}, seed, embedder)[part]


@pytest.fixture(scope="module")
def splits():
    return split(rows_of(guidelines_of(topics=6)), "row", 0.3, 7, [])


def test_majority_answers_the_most_frequent_training_label(splits):
    assert set(predict("majority", splits.train, splits.test, "test", 7)["label"]) == {MBA}


def test_tfidf_learns_what_the_procedure_tells(splits):
    predictions = predict("tfidf_logreg", splits.train, splits.test, "test", 7)
    assert predictions["label"].to_list() == splits.test["appropriateness"].to_list()


@pytest.mark.parametrize("name", BASELINES)
def test_predictions_parse_like_those_of_a_model(splits, name, embedder):
    predictions = predict(name, splits.train, splits.test, "test", 7, embedder)
    Predictions.validate(predictions)
    assert predictions["id"].to_list() == splits.test["id"].to_list()
    assert [completion.parse(text).label for text in predictions["completion"]] == predictions["label"].to_list()
    assert set(predictions.select("model", "split", "draw").iter_rows()) == {(name, "test", "greedy")}


@pytest.mark.parametrize("name", BASELINES)
def test_the_order_of_the_test_rows_does_not_matter(splits, name, embedder):
    there = predict(name, splits.train, splits.test, "test", 7, embedder)
    back = predict(name, splits.train, splits.test.reverse(), "test", 7, embedder)
    assert there.select("id", "label").sort("id").equals(back.select("id", "label").sort("id"))


def test_a_split_without_rows_has_no_predictions(splits):
    predictions = predict("tfidf_logreg", splits.train, splits.test.clear(), "generalization", 7)
    Predictions.validate(predictions)
    assert predictions.equals(pl.DataFrame(schema=predictions.schema))


def test_a_procedure_gets_its_own_most_frequent_label_and_a_new_one_that_of_all():
    texts = [f"Pain | Adult. | {procedure}" for procedure in ("CT head", "CT head", "CT head", "US", "US", "MRI", "X")]
    model = ProcedureMajority().fit(texts, [UA, UA, UNA, MBA, UNA, UNA, UNA])
    asked = ["Other | Child. | ct HEAD", "Pain | Adult. | US", "Pain | Adult. | PET"]
    assert list(model.predict(asked)) == [UA, UNA, UNA]  # of two labels as frequent, the one more frequent in all
    assert model.predict_proba(asked).sum(axis=1) == pytest.approx([1, 1, 1])


def test_every_way_of_splitting_is_told_with_intervals(embedder):
    rows, ledger = rows_of(guidelines_of(topics=8)), Ledger("run_baselines", "ways of splitting")
    held_out = rows["topic"].unique().sort().to_list()[:1]
    figures = over_splits(rows, list(BASELINES), 0.3, 7, held_out, embedder, 200, ledger)
    SplitFigures.validate(figures)
    told = set(figures.select("split_by", "split", "model", "metric").iter_rows())
    assert told == {
        (kind, part, name, metric)
        for kind in KINDS
        for part in ("test", "generalization")
        for name in BASELINES
        for metric in FIGURES
    }
    assert figures.filter(pl.col("low") > pl.col("value")).is_empty()
    assert (ledger.taken, ledger.kept) == (3, 3)
    shuffled = over_splits(rows.reverse(), ["tfidf_logreg"], 0.3, 7, held_out, None, 200, Ledger("x", "y"))
    assert shuffled.equals(figures.filter(model="tfidf_logreg"))


def test_a_way_of_splitting_that_the_rows_do_not_allow_is_named():
    rows, ledger = rows_of(guidelines_of(topics=1)), Ledger("run_baselines", "ways of splitting")
    figures = over_splits(rows, ["majority"], 0.3, 7, [], None, 50, ledger)
    assert "topic" not in set(figures["split_by"])
    reason = ledger.as_dict()["left_out"]["not possible with these rows"]
    assert reason["count"] == 1 and reason["examples"][0].startswith("topic: ")


def test_only_embedding_baselines_need_the_embedder(splits):
    assert [name for name in BASELINES if needs_embedder(name)] == ["minilm_logreg"]
    assert set(LABELS) >= set(predict("nearest_neighbour", splits.train, splits.test, "test", 7)["label"])


def test_a_name_that_is_no_baseline_is_refused_even_where_the_module_has_it():
    for name in ("majorty", "predict", "_words"):
        with pytest.raises(InputError, match=rf"baseline {name}: there is none; known are majority, "):
            classifier(name, 7)
