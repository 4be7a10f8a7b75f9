"""The ``sampan`` command."""
