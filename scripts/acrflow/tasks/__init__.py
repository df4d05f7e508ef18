"""What is particular to a task: labels, the parser of an answer, prompts, votes.

May import the rooms from `io` up to `text`.
"""
