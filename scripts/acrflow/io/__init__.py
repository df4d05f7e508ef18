"""Files, errors, ledgers, polite HTTP, and work on hostile files within limits. Knows nothing of guidelines.

May import no other room.
"""
