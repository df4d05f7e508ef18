"""From parsed topics and evidence to labelled, split and rendered examples.

May import the rooms from `io` up to `retrieval`.
"""
