"""Generation: what completes prompts, the same for evaluation, use and every other step that asks a language model."""
