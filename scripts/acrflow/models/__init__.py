"""Models in memory: the base and its tokenizer, the embedder and the judge of rewards and metrics."""
