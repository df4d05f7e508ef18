"""acrflow: from imaging guidelines to reasoning adapters. The library that the programs in `scripts/` share."""

__version__ = "0.1.0"
