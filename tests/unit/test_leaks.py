"""The leak report finds what the test rows share with the training rows."""

import polars as pl
import pytest
from invented_guidelines import guidelines_of, rows_of

from acrflow.dataset import leaks
from acrflow.dataset.split import split
from acrflow.schemas.dataset import EVIDENCE
from acrflow.tasks.appropriateness import UA, UNA


@pytest.fixture
def rows() -> pl.DataFrame:
    return rows_of(guidelines_of(topics=4))


def against(train: pl.DataFrame, test: pl.DataFrame, threshold: float = 0.9) -> dict:
    return leaks.report(train, {"test": test}, threshold)["splits"]["test"]


def test_a_row_split_is_seen_to_share_variants_and_a_variant_split_is_not(rows):
    by_row, by_variant = split(rows, "row", 0.3, 7, []), split(rows, "variant", 0.3, 7, [])
    found = against(by_row.train, by_row.test)
    assert found["rows_of_shared_variants"] == found["rows"] == len(by_row.test)
    assert found["variants_shared"] == by_row.test.select("topic", "variant").n_unique()
    assert against(by_variant.train, by_variant.test)["rows_of_shared_variants"] == 0


def test_a_near_duplicate_is_counted_and_listed_with_its_pair(rows):
    twin = rows.head(1).with_columns(id=pl.lit("twin"), variant=pl.col("variant") + " Initial.")
    stranger = rows.head(1).with_columns(
        id=pl.lit("stranger"), condition=pl.lit("Ostrel fever"), variant=pl.lit("Child."), procedure=pl.lit("Scan")
    )
    found = against(rows, pl.concat([twin, stranger]))
    assert found["near_duplicates"] == found["near_duplicates_with_the_same_label"] == 1
    [listed] = found["near_duplicates_listed"]
    assert (listed["row"], listed["train_row"]) == ("twin", rows["id"][0])
    assert 0.9 <= listed["similarity"] < 1


def test_blocks_give_the_same_nearest_rows_as_one_comparison(rows, monkeypatch):
    whole = leaks.nearest(rows, rows)
    monkeypatch.setattr(leaks, "BLOCK", 5)
    assert [pair[:2] for pair in leaks.nearest(rows, rows)] == [pair[:2] for pair in whole]
    assert all(pair.row == pair.train_row and pair.similarity == pytest.approx(1, abs=1e-5) for pair in whole)


def test_shared_studies_are_counted_once(rows):
    def showing(*pmids: int) -> pl.DataFrame:
        studies = [{"number": 1, "pmid": pmid, "text": "A study."} for pmid in pmids]
        return rows.head(3).with_columns(evidence=pl.Series([studies] * 3, dtype=pl.List(EVIDENCE)))

    found = against(showing(1, 2), showing(2, 3, 4))
    assert (found["references"], found["references_shared"]) == (3, 1)


def test_label_skew_is_the_distance_of_the_label_shares(rows):
    only_una, only_ua = (rows.filter(pl.col("appropriateness") == label) for label in (UNA, UA))
    assert against(only_una, only_ua)["label_skew"] == 1
    assert against(rows, rows)["label_skew"] == 0
    assert against(only_una, only_ua)["labels"] == {UNA: 0, "May Be Appropriate": 0, UA: len(only_ua)}


def test_a_split_without_rows_has_no_leaks(rows):
    found = against(rows, rows.clear())
    assert (found["rows"], found["near_duplicates"], found["label_skew"]) == (0, 0, None)
