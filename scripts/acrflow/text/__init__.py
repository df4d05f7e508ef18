"""Text as the field writes it: sentences, citations, numbers, repetition.

May import the rooms from `io` up to `io`.
"""
