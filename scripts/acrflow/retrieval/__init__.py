"""Evidence for conditions that no guideline covers, found and graded by the workflow itself."""
