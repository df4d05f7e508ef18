"""Statistics that several rooms need: the bootstrap and its intervals."""
