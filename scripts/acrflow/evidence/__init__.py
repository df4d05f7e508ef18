"""From cited references to condensed abstracts.

May import the rooms from `io` up to `guideline`.
"""
