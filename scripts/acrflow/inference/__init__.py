"""What completes prompts: one interface, four backends, and the cache of what was answered.

May import the rooms from `io` up to `models`.
"""
