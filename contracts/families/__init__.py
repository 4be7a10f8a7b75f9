"""Payload families: what an event of a kind carries beyond :class:`contracts.facts.Facts`.

Events about a person carry facts and field groups (family ``case``); those without a person carry counts
(family ``counts``); what Sampan itself finds is :mod:`contracts.records` (family ``running``).
"""

from __future__ import annotations

from contracts.families.counts import Counts, CountsPayload

__all__ = ["Counts", "CountsPayload"]
