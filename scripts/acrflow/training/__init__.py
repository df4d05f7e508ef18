"""From examples to adapters: SFT and GRPO, checkpoints, what a training says while it runs.

May import the rooms from `io` up to `rewards`.
"""
