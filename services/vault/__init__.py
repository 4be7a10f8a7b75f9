"""The vault: the only holder of keys. Opens nothing without a ticket, a gate that stands open, and a key."""
