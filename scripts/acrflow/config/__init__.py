"""The configuration, one typed section a file. Imports neither torch nor polars, so that a dry run is instant."""
