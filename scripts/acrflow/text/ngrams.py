"""Repetition in a text, measured by its n-grams of words."""


def repeated_share(text: str, n: int) -> float:
    """Share of the n-grams of words that are repetitions of an earlier one, 0 (none) to below 1.

    Words are runs without white space, in lower case; a text of fewer than n words has no n-gram and gives 0.
    """
    words = text.lower().split()
    grams = list(zip(*(words[start:] for start in range(n)), strict=False))
    return 1 - len(set(grams)) / len(grams) if grams else 0.0
