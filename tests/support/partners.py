"""The sample region with agencies that read Kafka themselves."""

from __future__ import annotations

from dataclasses import replace

from routing.directory import Directory
from tests.support.services_world import sample_region


def with_partners(*slugs: str) -> Directory:
    """The committed directory, in which these agencies have a topic of their own."""
    directory, _ = sample_region()
    return Directory.of(
        (
            replace(agency, channels=(*agency.channels, "kafka")) if agency.slug in slugs else agency
            for agency in directory.agencies
        ),
        directory.calendar,
    )
