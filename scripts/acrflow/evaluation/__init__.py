"""From predictions to metrics and comparison, with the baselines beside the adapters."""
