"""Evidence for conditions that no guideline covers, found and graded by the workflow itself.

May import the rooms from `io` up to `evidence`.
"""
