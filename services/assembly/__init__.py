"""Builds what runs: one process with all services, from edges given as arguments."""
