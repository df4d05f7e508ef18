"""From guideline documents (PDF) to parsed topics."""
