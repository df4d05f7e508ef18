"""Text as the field writes it: sentences, citations, numbers, repetition."""
