"""Retrieval: evidence for conditions that no guideline covers, found and graded by the system itself."""
