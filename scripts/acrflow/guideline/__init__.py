"""From guideline documents, or a table of rated rows, to parsed topics.

May import the rooms from `io` up to `inference`.
"""
