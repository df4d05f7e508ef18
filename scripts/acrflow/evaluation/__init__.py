"""From predictions to metrics and comparison, with the baselines beside the adapters.

May import the rooms from `io` up to `training`.
"""
