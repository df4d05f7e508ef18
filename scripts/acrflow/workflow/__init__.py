"""What the Snakefile asks the library: which modules a program depends on.

May import the rooms from `io` up to `synthetic`.
"""
