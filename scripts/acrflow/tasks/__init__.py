"""What is particular to a task: labels, the parser of an answer, prompts, votes."""
