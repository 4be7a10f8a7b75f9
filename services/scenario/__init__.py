"""The acceptance language: a lawyer writes what happens and what must follow; this plays it and compares."""
