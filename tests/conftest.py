"""Fixtures for every test; each lives beside what it prepares."""

pytest_plugins = ["tests.support.postgres"]
