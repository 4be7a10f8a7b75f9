"""Planted words are found nowhere but in what an entitled recipient opened.

Every field group holds words of its own, the event names are themselves secrets, and everything that Sampan
writes is searched: the database's folder with its log of changes and the server's log, our logs in both forms,
traces, metrics, and every error answer.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
import structlog
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from adapters.channels.http import BasicAuth, HttpChannel
from adapters.primero.codes import DEFAULT_CP, Lookups
from contracts.groups import GROUP_MODELS
from contracts.roles import Group
from services.delivery import worker
from services.edge.targets import PrimeroTarget
from services.router import step as router_step
from services.runtime.postgres import EmbeddedPostgres, migrate
from services.runtime.telemetry.logs import configure_logs
from tests.support.canaries import found_below, found_in
from tests.support.http_world import HttpWorld, open_http
from tests.support.postgres import FreshDatabase
from tests.support.primero_server import running_primero
from tests.support.services_world import ServicesWorld, open_world

WORDS = {group: f"Kanari{group}zwitschert" for group in GROUP_MODELS}
"""One invented word a group, unlike anything else in the house."""
PHONE = "+999855123987"
EVENTS = ("AsylumClaimRaised", "IdentificationRequested", "ConsentGiven", "NotificationObjected")
"""Names that alone can kill; they stand in no table, log or trace."""
PLANTED = [*WORDS.values(), PHONE]
LOGGED = ("delivery_broke_off", "delivery_not_prepared", "request_failed", "key_parked")
"""What our logs say of the faults that :func:`_faults` causes; a log that says nothing proves nothing."""
LOOKUPS = Lookups.from_mapping({**DEFAULT_CP, "transitioned_to": "ministry"})


def groups() -> dict[str, Any]:
    """Every group, with its word."""
    planted: dict[str, Any] = {group: {"other": {"note": WORDS[group]}} for group in GROUP_MODELS}
    planted["F1"] |= {"given_name": WORDS[Group.F1], "birth_date": "2001-08-14"}
    planted["F2"] |= {"mobile_phone": PHONE, "current_place": WORDS[Group.F2]}
    return planted


CONSENT = {
    "purposes": ["IDENTIFY", "SHELTER", "NATIONALITY"], "to": ["any@TH", "RFP@KH"], "until": "90d", "from": "self",
    "groups": ["F0", "F1", "F2", "F3", "F5", "F11", "F12"],
}  # fmt: skip
FACTS = {"found_in": "TH", "citizenship": ["KH"], "trafficking_status": "PossibleVictimOfTrafficking"}


@pytest.fixture
def spans() -> InMemorySpanExporter:
    """All spans of this process from now on."""
    exporter = InMemorySpanExporter()
    provider = trace.get_tracer_provider()
    if not isinstance(provider, TracerProvider):
        provider = TracerProvider()
        trace.set_tracer_provider(provider)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return exporter


@contextmanager
def logged(*, pretty: bool) -> Iterator[io.BytesIO]:
    """Everything our logging writes, at its most talkative, as a terminal or as a collector gets it."""
    written = io.BytesIO()
    text = io.TextIOWrapper(written, write_through=True)
    factory = structlog.PrintLoggerFactory(text) if pretty else structlog.BytesLoggerFactory(written)
    configure_logs(level=logging.DEBUG, pretty=pretty)
    structlog.configure(logger_factory=factory, cache_logger_on_first_use=False)
    try:
        yield written
    finally:
        structlog.reset_defaults()
        text.detach()  # or it closes what was written


async def carried(http: HttpWorld) -> tuple[list[bytes], bytes]:
    """Referrals through every door; returns all refusals' bytes, and what the entitled shelter opened."""
    world = http.world
    case, subject = world.id(), world.id()
    person = {"subject": str(subject), "facts": FACTS, "groups": groups()}
    await world.submit(event="ConsentGiven", case=str(case), subjects=[person], consent=CONSENT)
    await world.submit(event="IdentificationRequested", case=str(case), subjects=[person])
    await world.submit(
        event="ReferralSent", case=str(case), subjects=[{"subject": str(subject)}], to=["RFP@KH"],
        purpose="NATIONALITY",
    )  # fmt: skip
    await world.instance.settle()
    item = (await http.get("/v1/inbox", "shelter-th")).json()["items"][0]
    opened = (
        await http.post(f"/v1/inbox/{item['dispatch']}/open", "shelter-th", json={"groups": []})
    ).content
    refusals = [await _refused(http, item), *await _garbage(http), *await _faults(http)]
    claim = {"subject": str(subject), "facts": {"asylum": "claimed"}, "groups": {"F9": groups()["F9"]}}
    await _assisted(http, event="AsylumClaimRaised", case=str(case), subjects=[claim])
    await _assisted(
        http, event="ReferralSent", subjects=[{"facts": FACTS, "groups": groups()}], to=["SHA@TH"]
    )
    await world.submit(event="NotificationObjected", case=str(case), subjects=[{"subject": str(subject)}])
    await world.instance.settle()
    await world.instance.timelines.case(world.agency("ngo-th"), str(case))
    return refusals, opened


async def _assisted(http: HttpWorld, **said: Any) -> None:
    """In clear by HTTP, sealed by the edge that we run for the agency."""
    world = http.world
    world.instance.assisted.enrol("ngo-th", await world.keys("ngo-th"))
    ids = {"event_id": str(world.id()), "submission_id": str(world.id())}
    document = {"sender": "ngo-th", "occurred_at": world.clock.now().isoformat(), **ids, **said}
    answer = await http.post("/v1/assisted/submissions", "ngo-th", json=document)
    assert answer.status_code == 200, answer.text
    assert found_in(answer.content, [*PLANTED, *EVENTS]) == []


async def _faults(http: HttpWorld) -> list[bytes]:
    """Faults of ours in every room, each with a message that names her, as parsers and databases write them."""
    world, fault = http.world, ValueError(f"could not read {WORDS[Group.F1]}, AsylumClaimRaised")

    def broken(*_: Any, **__: Any) -> Any:
        raise fault

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(router_step, "decide", broken)
        await _referred(world)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worker, "perform", broken)
        await _referred(world)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world.instance.worker._performer, "prepare", broken)
        await _referred(world)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(world.instance.timelines), "case", broken)
        answer = await http.get(f"/v1/cases/{world.id()}/timeline", "ngo-th")
    assert answer.status_code == 500
    return [answer.content]


async def _referred(world: ServicesWorld) -> None:
    """A case of its own, to the ministry."""
    case, subject = str(world.id()), str(world.id())
    person = {"subject": subject, "facts": FACTS, "groups": groups()}
    await world.submit(event="ConsentGiven", case=case, subjects=[person], consent=CONSENT)
    there = [{"subject": subject}]
    await world.submit(event="ReferralSent", case=case, subjects=there, to=["RFP@KH"], purpose="NATIONALITY")
    await world.instance.settle()


async def _refused(http: HttpWorld, item: dict[str, Any]) -> bytes:
    """A recipient asks for what it was not granted."""
    answer = await http.post(f"/v1/inbox/{item['dispatch']}/open", "shelter-th", json={"groups": ["F7"]})
    assert answer.status_code == 404
    return answer.content


async def _garbage(http: HttpWorld) -> list[bytes]:
    """Planted words where they do not belong: in paths, bodies, fields, tokens."""
    word = WORDS[Group.F1]
    agency = await http.token("ngo-th")
    answers: list[httpx.Response] = [
        await http.get(f"/v1/cases/{word}", "ngo-th"),
        await http.get(f"/v1/inbox?after={word}", "ngo-th"),
        await http.post(f"/v1/inbox/{word}/open", "ngo-th", json={"groups": [word]}),
        await http.post("/v1/assisted/submissions", "ngo-th", content=f'{{"event": "{word}"'.encode()),
        await http.post("/v1/assisted/submissions", "ngo-th", json={"event": word, "sender": PHONE}),
        await http.post("/v1/assisted/submissions", "ngo-th", json=_bad_event(word)),
        await http.post("/v1/submissions", "ngo-th", content=word.encode() * 20),
        await http.post(
            f"/v1/reviews/{UUID(int=1)}/resolve", "ngo-th", json={"action": word, "reason": PHONE}
        ),
        await http.client.get(f"/{word}", headers=agency),
        await http.client.get("/v1/me", headers={"authorization": f"Bearer sampan_{word}"}),
    ]
    assert {answer.status_code // 100 for answer in answers} == {4}
    return [answer.content + repr(answer.headers).encode() for answer in answers]


def _bad_event(word: str) -> dict[str, Any]:
    person = {"facts": {"found_in": word}, "groups": {"F1": {"birth_date": word, word: word}}}
    ids = {"event_id": str(UUID(int=5)), "submission_id": word}
    return {"event": "ReferralSent", "sender": "ngo-th", "occurred_at": word, "subjects": [person], **ids}


@pytest.mark.parametrize("pretty", [True, False], ids=["pretty", "json"])
async def test_planted_words_stand_nowhere_but_with_the_entitled(
    spans: InMemorySpanExporter, server_folder: Path, *, pretty: bool
) -> None:
    """In the database's whole folder, the logs, the traces, the metrics and every refusal: not one."""
    folder = server_folder / f"canaries-{pretty}"
    folder.mkdir(mode=0o711)
    with EmbeddedPostgres(folder / "postgres", durable=False) as server, logged(pretty=pretty) as log:
        server.create_database("sampan")
        migrate(server.owner_dsn())
        database = FreshDatabase("sampan", server.dsn(), server.owner_dsn(), server.dsn(role="sampan_vault"))
        async with running_primero() as primero:
            channel = HttpChannel(
                primero.url, BasicAuth("sampan", "demo-sampan"), allow_insecure_loopback=True
            )
            targets = {("rfp-kh", "primero"): PrimeroTarget(channel, LOOKUPS)}
            async with open_world(database, folder, targets=targets) as world, open_http(world) as http:
                refusals, opened = await carried(http)
                metrics = (await http.client.get("/metrics")).content
            held = repr(primero.primero.cases) + repr(primero.primero.referrals)
    told = b"".join(span.to_json().encode() for span in spans.get_finished_spans())
    assert WORDS[Group.F1].encode() in opened, "the entitled shelter reads her name"
    assert WORDS[Group.F1] in held, "the entitled ministry's own system holds it"
    assert told, "the run was traced"
    assert [line for line in LOGGED if line.encode() not in log.getvalue()] == [], "every fault was logged"
    assert found_in(b"".join(refusals), [*PLANTED]) == []
    assert found_in(log.getvalue(), [*PLANTED, *EVENTS]) == []
    assert found_in(told + metrics, [*PLANTED, *EVENTS]) == []
    assert found_below(folder, [*PLANTED, *EVENTS]) == []


async def test_the_search_would_have_found_them(fresh_database: FreshDatabase, tmp_path: Path) -> None:
    """Planted in clear on purpose, a word is found in the very table that the search reads."""
    async with open_world(fresh_database, tmp_path) as world:
        await world.store.pool.execute(
            "insert into intake.rejections (sender, mac, code, at) values ($1, '', $2, $3)",
            *(world.agency("ngo-th"), WORDS[Group.F7], world.clock.now()),
        )
        rows = await world.store.pool.fetch("select r::text as line from intake.rejections r")
    assert found_in("".join(row["line"] for row in rows).encode(), PLANTED) == [f"{WORDS[Group.F7]} (raw)"]


async def origin_sees(world: ServicesWorld, http: HttpWorld) -> list[tuple[Any, ...]]:
    """What every agency of the origin side gets by HTTP: status, size, and content with ids taken out."""
    seen: list[tuple[Any, ...]] = []
    for agency in world.directory.agencies_of_side("LA"):
        for path in ("/v1/inbox", "/v1/waiting", "/v1/reviews", "/v1/cases/SP-00000-00000"):
            answer = await http.get(path, agency.slug)
            seen.append(
                (agency.slug, path, answer.status_code, len(answer.content), _without_ids(answer.json()))
            )
    return seen


def _without_ids(value: Any) -> Any:
    if isinstance(value, dict):
        ids = ("dispatch", "case_ref", "subject_ref", "case_code", "consent_ref")
        return {key: "id" if key in ids else _without_ids(inner) for key, inner in value.items()}
    return [_without_ids(inner) for inner in value] if isinstance(value, list) else value


async def told_at_last(world: ServicesWorld, *, objected: bool) -> None:
    """Identified; in one story she first objects to any notice; ten days on she agrees to a narrow one."""
    case, subject = str(world.id()), str(world.id())
    facts = {"found_in": "SG", "citizenship": ["LA"], "trafficking_status": "ActualVictimOfTrafficking"}
    person = {"subject": subject, "facts": facts, "groups": {"F3": {"citizenship": ["LA"]}}}
    if objected:
        await world.submit("ngo-sg", event="NotificationObjected", case=case, subjects=[{"subject": subject}])
    else:  # the same number of draws from the world's randomness, so that only the objection differs
        world.id()
    await world.submit("ngo-sg", event="VictimIdentified", case=case, subjects=[person])
    await world.instance.settle()
    world.clock.advance(10 * 86_400)
    agrees = {"subject": subject, "facts": {"notify_origin": "no_objection"}}
    event = "ObjectionLifted" if objected else "NotificationAsked"
    await world.submit("ngo-sg", event=event, case=case, subjects=[agrees])
    consent = {
        "purposes": ["NOTIFY_ORIGIN"],
        "to": ["RFP@LA"],
        "groups": ["F0", "F3"],
        "until": "30d",
        "from": "self",
    }
    await world.submit(
        "ngo-sg", event="ConsentGiven", case=case, subjects=[{"subject": subject}], consent=consent
    )
    await world.instance.settle()


async def test_an_objection_leaves_no_trace_at_the_origin(database_factory: Any, tmp_path: Path) -> None:
    """Two stories that differ in an objection alone: every answer to every origin agency is equal save ids."""
    views = []
    for objected in (True, False):
        database = database_factory.make()
        folder = tmp_path / str(objected)
        folder.mkdir()
        async with open_world(database, folder) as world, open_http(world) as http:
            await told_at_last(world, objected=objected)
            views.append(await origin_sees(world, http))
        database_factory.drop(database)
    assert any(path == "/v1/inbox" and content["items"] for _, path, _, _, content in views[0])
    assert views[0] == views[1]
