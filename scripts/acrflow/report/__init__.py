"""What readers see: the page, its charts and tables, the cards, the hub folder."""
