"""What readers see: the page, its charts and tables, the cards, the hub folder.

May import the rooms from `io` up to `evaluation`.
"""
