"""One case put to one adapter."""
