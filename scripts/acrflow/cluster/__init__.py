"""Slurm: what is asked of it, what is waited for, and what is seen afterwards.

May import the rooms from `io` up to `service`.
"""
