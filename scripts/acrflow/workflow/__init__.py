"""What the Snakefile asks the library: which modules a program depends on."""
