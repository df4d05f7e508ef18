"""Synthetic guidelines: a small medical language, and documents in the layout of the real ones.

Nothing in here is medical knowledge. `rules` says how procedures are rated and why, `language.invent` makes topics,
rated rows and studies from it as plain data, `narrative` and `appendix` render them as PDF, `pubmed` as EFetch XML.
The demo and the tests read those files through the same programs as real guidelines; what `language.invent` returns
is what these must find.

May import the rooms from `io` up to `cluster`.
"""
