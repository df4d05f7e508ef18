"""From parsed topics and evidence to labelled, split and rendered examples."""
