"""One case put to one adapter.

May import the rooms from `io` up to `report`.
"""
