"""From parsed topics to labelled, split and rendered examples."""
