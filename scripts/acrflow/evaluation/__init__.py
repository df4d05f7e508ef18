"""From adapters to predictions, metrics, comparison and report."""
