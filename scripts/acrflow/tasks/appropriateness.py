"""The three labels, and every spelling of them that guidelines and models use."""

import re

UNA = "Usually Not Appropriate"
MBA = "May Be Appropriate"
UA = "Usually Appropriate"
DISAGREEMENT = "May Be Appropriate (Disagreement)"

LABELS = (UNA, MBA, UA)  # ordered from least to most appropriate, the order of the published confusion matrices
CATEGORIES = (*LABELS, DISAGREEMENT)  # what a guideline may print

_ABBREVIATIONS = {"una": UNA, "mba": MBA, "ua": UA}
_SPELLINGS = {re.sub(r"[^a-z]", "", name.lower()): name for name in CATEGORIES}


def parse_category(text: str) -> str | None:
    """The category that `text` spells out, whatever its case, spacing and punctuation; None if it spells none.

    Only the whole text counts: "Usually appropriate." is a category, "not usually appropriate at all" is none.
    """
    letters = re.sub(r"[^a-z]", "", text.lower())
    return _SPELLINGS.get(letters) or _ABBREVIATIONS.get(letters)


def parse_label(text: str) -> str | None:
    """The label (one of `LABELS`) that `text` spells out; None for anything else, Disagreement included."""
    category = parse_category(text)
    return category if category in LABELS else None
