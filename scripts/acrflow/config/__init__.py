"""The configuration, one typed section a file. Imports neither torch nor polars, so that a dry run is instant.

May import the rooms from `io` up to `tasks`.
"""
