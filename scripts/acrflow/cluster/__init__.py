"""Slurm: what is asked of it, what is waited for, and what is seen afterwards."""
