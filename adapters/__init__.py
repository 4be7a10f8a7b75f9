"""How each agency says it: one folder per format, the same file names inside; ``channels`` is how it travels.

A format folder holds ``inbound`` (its documents to open events), ``outbound`` (dispatches to an exchange of
calls), ``codes`` (its code lists), ``losses`` (what it cannot hold, declared) and ``examples``. All of it is
pure: no clock, no randomness, no network. Only ``channels`` touches the world.
"""
