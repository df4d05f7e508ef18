"""From examples to adapters."""
