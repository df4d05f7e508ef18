"""Statistics that several rooms need: the bootstrap and its intervals.

May import the rooms from `io` up to `schemas`.
"""
