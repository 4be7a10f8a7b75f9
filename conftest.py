"""What holds for every test: no network, and property tests that are not judged by the clock."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

pytest_plugins = ("tests.support.network_guard",)

# No deadline: a busy machine must not fail a true property. `make pytest SEED=n` chooses the examples again.
settings.register_profile(
    "house", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("house")
