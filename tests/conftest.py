"""Fixtures for every test; each lives beside what it prepares."""

import pytest

# Contracts are shared classes, not test files: without this their failures would not say what differed.
pytest.register_assert_rewrite(
    "tests.conformance.log.log_contract",
    "tests.conformance.log.consumer_contract",
    "tests.conformance.log.parking_contract",
)

pytest_plugins = ["tests.support.postgres", "tests.support.kafka"]
