"""What the Snakefile is told by the library: the files and names of a run, and what is checked before any work.

May import the rooms from `io` up to `synthetic`.
"""
