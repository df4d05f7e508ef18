"""The scale of study quality and its direction, in one place: 1 is best, 4 is not useful as primary evidence.

"Good" and "Inadequate" grade meta-analyses. It is the ACR's scale; a publisher with another key says which of these
grades each of its own stands for.
"""

RANK = {"1": 1.0, "Good": 1.5, "2": 2.0, "3": 3.0, "4": 4.0, "Inadequate": 4.0}  # the lower, the better
STRONG = ("1", "2")  # well-designed studies with few or some limitations
_UNGRADED = 5.0  # nothing speaks for a study without a grade


def rank(grade: str | None) -> float:
    """Where a study stands, best first; one without a grade, or with one that is not on the scale, stands last.

    >>> sorted(["4", None, "Good", "1"], key=rank)
    ['1', 'Good', '4', None]
    """
    return RANK.get(grade or "", _UNGRADED)
