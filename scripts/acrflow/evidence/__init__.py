"""From cited references to condensed abstracts."""
