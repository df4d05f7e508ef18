"""Invented guidelines: a small medical language, and documents in the layout of the real ones.

Nothing in here is medical knowledge. `language.invent` makes the truth as plain data (topics, rated rows, studies),
`documents` renders it as narrative and appendix PDF, `pubmed` as EFetch XML. The demo and the tests read those files
through the same programs as real guidelines, so the truth says what these programs must find.
"""
