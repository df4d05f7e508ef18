"""Numbers in a text, and whether a source supports them."""

import re

_NUMBER = re.compile(r"(?<!\d)[.·]?\d+(?:[,·.]\d+)*")


_NUMBER_WORD = re.compile(
    r"\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|half|third|quarter|twice|\w+teen"
    r"|(?:twen|thir|for|fif|six|seven|eigh|nine)ty|hundred|thousand)\b",
    re.IGNORECASE,
)


def unsupported_numbers(text: str, source: str) -> list[str]:
    """The numbers of a text that its source does not have, in figures or words, each once.

    1,234 is 1234, .5 and 0.50 are 0.5; a number in words must stand in words. Citations are numbers as well: take them
    out of both where they are none of the facts.

    >>> unsupported_numbers("Seen in 1234 of 2000 (61 %, 61.0 %), twice.", "Seen in 1,234 of 2000.")
    ['61', 'twice']
    """
    known = {_value(number) for number in _NUMBER.findall(source)}
    known |= {word.lower() for word in _NUMBER_WORD.findall(source)}
    found: dict[str, str] = {}  # value -> as it is printed first
    for number in _NUMBER.findall(text):
        found.setdefault(_value(number), number)
    for word in _NUMBER_WORD.findall(text):
        found.setdefault(word.lower(), word)
    return [printed for value, printed in found.items() if value not in known]


def _value(number: str) -> str:
    """One spelling for equal numbers; a comma is a thousands separator where three digits follow it, else a point."""
    plain = re.sub(r",(?=\d{3}(?:\D|$))", "", number).replace("·", ".").replace(",", ".")
    whole, point, fraction = plain.partition(".")
    if "." in fraction:  # a version or a date, not one number
        return plain
    return f"{int(whole or 0)}.{fraction.rstrip('0')}" if point and fraction.rstrip("0") else str(int(whole or 0))
