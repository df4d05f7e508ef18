"""`python -m acrflow.cli`, where the package is on the path and not installed."""

from acrflow.cli.main import main

main()
