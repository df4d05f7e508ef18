"""Publishers of guidelines: what is particular to the layout, the addresses and the terms of each."""
