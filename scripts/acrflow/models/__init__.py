"""Models in memory: the base and its tokenizer, the embedder and the judge of rewards and metrics.

May import the rooms from `io` up to `stats`.
"""
