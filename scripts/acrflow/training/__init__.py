"""From examples to adapters: SFT and GRPO, checkpoints, what a training says while it runs."""
