"""``sampan rules``: tools for the people who own the rules."""
