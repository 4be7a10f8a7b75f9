"""What a directory may not say: two holders of one role at once, none for a while, alternates in a circle."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from contracts.address import Address
from contracts.roles import REGION, Role
from routing.agency import Agency, Tenure
from routing.directory_text import ReadAgency, refusal


def check_agencies(agencies: Sequence[ReadAgency]) -> None:
    """Refuse a directory that could tell the wrong agency.

    Raises:
        InvalidInput: a slug or id used twice, two holders with an equal claim, a role that nobody holds
            for a while, a mission without its two countries, an alternate that is unknown, in a circle, or of
            another role.
    """
    _no_double(agencies)
    _one_holder_each(agencies)
    _no_gap(agencies)
    by_slug = {read.agency.slug: read for read in agencies}
    for read in agencies:
        _missions_are_missions(read)
        if read.agency.alternate:
            _alternate_may_be_told(read, by_slug)


def _no_double(agencies: Sequence[ReadAgency]) -> None:
    seen: dict[object, str] = {}
    for read in agencies:
        for key, what in ((read.agency.slug, "short name"), (read.agency.agency_id, "id")):
            if key in seen:
                raise refusal(
                    read.row.where(),
                    "double",
                    f"the {what} is used twice",
                    f"It stands at {seen[key]} too; give this agency its own.",
                )
            seen[key] = read.row.where()


def _one_holder_each(agencies: Sequence[ReadAgency]) -> None:
    held: dict[Address, list[tuple[Tenure, ReadAgency]]] = {}
    for read in agencies:
        for tenure in read.agency.tenures:
            for other, holder in held.setdefault(tenure.address, []):
                if tenure.overlaps(other):
                    raise refusal(
                        read.row.where("roles"),
                        "overlap",
                        f"{read.agency.slug} and {holder.agency.slug} both hold {tenure.address}",
                        f"End one with `until` (see {holder.row.where()}), or give each a unit.",
                    )
            held[tenure.address].append((tenure, read))


def _no_gap(agencies: Sequence[ReadAgency]) -> None:
    """A role that somebody held and somebody will hold again is held in between, or it would tell nobody meanwhile."""
    held: dict[Address, list[tuple[Tenure, ReadAgency]]] = {}
    for read in agencies:
        for tenure in read.agency.tenures:
            held.setdefault(tenure.address, []).append((tenure, read))
    for address, tenures in held.items():
        tenures.sort(key=lambda one: one[0].valid_from)
        for (earlier, _), (later, read) in pairwise(tenures):
            if earlier.valid_to is not None and earlier.valid_to < later.valid_from:
                raise refusal(
                    read.row.where("roles"),
                    "gap",
                    f"nobody holds {address} from {earlier.valid_to} to {later.valid_from}",
                    "Let one begin on the day the other ends, or name who stands in.",
                )


def _missions_are_missions(read: ReadAgency) -> None:
    for tenure in read.agency.tenures:
        address = tenure.address
        if address.role != Role.CON:
            continue
        two = (read.agency.mission_of, read.agency.country)
        if not address.state or (address.state, address.country) != two:
            raise refusal(
                read.row.where("roles"),
                "mission",
                f"{address} does not fit this agency",
                "A mission holds CON.XX@CC where mission_of is XX and country is CC.",
            )


def _alternate_may_be_told(read: ReadAgency, by_slug: dict[str, ReadAgency]) -> None:
    slug, seen = read.agency.alternate, [read.agency.slug]
    while slug:
        if slug not in by_slug:
            raise refusal(
                read.row.where("alternate"),
                "alternate",
                f"there is no agency {slug}",
                "Name an agency of this directory.",
            )
        if slug in seen:
            raise refusal(
                read.row.where("alternate"),
                "cycle",
                "alternates go in a circle",
                "Let the last of " + ", ".join(seen) + " have none.",
            )
        seen.append(slug)
        slug = by_slug[slug].agency.alternate
    if not _roles(read.agency) & _roles(by_slug[read.agency.alternate].agency):
        raise refusal(
            read.row.where("alternate"),
            "alternate",
            "the alternate holds no role of this agency",
            "A case may only pass to another unit of the same role and country.",
        )


def _roles(agency: Agency) -> set[tuple[str, str, str]]:
    return {(t.address.role, t.address.state, t.address.country) for t in agency.tenures}


def unheld_roles(agencies: Iterable[Agency]) -> tuple[str, ...]:
    """Warnings: roles that nobody ever holds in one of the ten countries (NSM is Thailand's alone)."""
    held = {(t.address.role, t.address.country) for a in agencies for t in a.tenures}
    countries = sorted({country for _, country in held if country in REGION})
    return tuple(
        f"nobody holds {role}@{country}"
        for country in countries
        for role in Role
        if (role, country) not in held and (role != Role.NSM or country == "TH")
    )
