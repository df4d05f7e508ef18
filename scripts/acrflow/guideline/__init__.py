"""From guideline documents, or a table of rated rows, to parsed topics."""
