"""The topics by name. Their data (producers, retention, schema) stands in ``contracts/topics/*.yaml``."""

from __future__ import annotations

from typing import Final

CASE_EVENTS: Final = "case-events"
DECISIONS: Final = "decisions"
DISPATCHES: Final = "dispatches"
DELIVERY_EVENTS: Final = "delivery-events"
GOVERNANCE: Final = "governance"
