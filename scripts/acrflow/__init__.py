"""acrflow: from imaging guidelines to reasoning adapters. The library that the programs in `scripts/` share."""
