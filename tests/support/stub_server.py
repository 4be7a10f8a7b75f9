"""A real HTTP server on loopback that answers as Sampan's API does, from state that a test sets.

It holds a vault key of its own, so a test can open what a client sealed and see that nothing else could.
"""

from __future__ import annotations

import asyncio
import base64
import json
import socket
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from contracts.codec import decode
from contracts.control import ControlPayload
from contracts.sealing import (
    CONTROL,
    SUITE_NAME,
    SigningKey,
    VaultPrivateKey,
    decode_event,
    decode_submission,
    event_context,
    open_manifest,
    open_slot,
    verify,
)
from services.client import home as client_home

SPACE = UUID("6f1d3a52-8a0e-4c58-9a57-2f0c1d9b7a10")
RECORDED = "2026-11-24T02:30:00+00:00"


def an_id(name: str) -> UUID:
    """A fixed id for a name."""
    return uuid5(SPACE, name)


def seed_of(agency: str) -> bytes:
    """The signing seed that the stub gives an agency."""
    return (agency.encode() * 32)[:32]


def agency(slug: str, name: str, roles: list[str], zone: str = "Asia/Bangkok") -> dict[str, Any]:
    """An agency as ``/v1/agencies`` shows it."""
    return {
        "agency": slug,
        "agency_id": str(an_id(slug)),
        "name": name,
        "roles": roles,
        "country": roles[0][-2:],
        "timezone": zone,
    }


@dataclass
class Fault:
    """An answer to give instead of the real one, ``times`` times."""

    path: str
    status: int
    body: dict[str, Any] | None = None
    headers: dict[str, str] = field(default_factory=dict)
    times: int = 1


class StubServer:
    """State, routes, and a thread that serves them. Use as a context manager."""

    def __init__(self) -> None:
        self.agencies = [
            agency("ngo-th", "Moonlight House (demo NGO, TH)", ["NGO-H@TH"]),
            agency("shelter-th", "Lotus Shelter (demo, TH)", ["SHA@TH"]),
            agency("embassy-la-th", "Embassy of LA in TH (demo)", ["CON.LA@TH"]),
        ]
        self.vault = VaultPrivateKey("vault-1", bytes(range(96)))
        self.instance_id = an_id("instance")
        self.submissions: dict[UUID, tuple[bytes, dict[str, Any]]] = {}
        self.bodies: list[bytes] = []
        self.assisted: list[dict[str, Any]] = []
        self.inbox: dict[str, list[dict[str, Any]]] = {}
        self.opened: list[tuple[str, list[str]]] = []
        self.contents: dict[str, dict[str, Any]] = {}
        self.timelines: dict[str, dict[str, Any]] = {}
        self.waiting: list[dict[str, Any]] = []
        self.reviews: dict[str, dict[str, Any]] = {}
        self.resolved: list[dict[str, Any]] = []
        self.lanes: list[dict[str, Any]] = []
        self.dead_letters: list[dict[str, Any]] = []
        self.released: list[str] = []
        self.losses: dict[str, dict[str, Any]] = {}
        self.erased: list[str] = []
        self.faults: list[Fault] = []
        self.calls: list[str] = []
        self.growing: str | None = None
        self.lose_receipts = 0  # so many submissions are taken and answered with something unreadable
        self.refuse_events: dict[str, int] = {}  # event name → status, given to each such submission
        self.live_feed = True
        self.feed_repeats = False  # the live feed begins at 1 again, whatever was asked
        self.feed_skips: set[int] = set()  # cursors that the live feed loses
        self.hold_submissions = threading.Event()  # set: submissions are taken and never answered
        self.taken = threading.Event()
        self._answered_before_hold: int | None = None
        self._started = threading.Event()
        self.port = 0

    # ------------------------------------------------------------------------------------- running

    def __enter__(self) -> StubServer:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(64)
        self.port = listener.getsockname()[1]
        app = Starlette(routes=[Route("/{path:path}", self._answer, methods=["GET", "POST"])])
        config = uvicorn.Config(app, log_config=None, access_log=False, ws="none", lifespan="off")
        config.timeout_graceful_shutdown = 1
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._server.serve(sockets=[listener])), daemon=True
        )
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.hold_submissions.clear()
        self._server.should_exit = True
        self._thread.join(20)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def write_client(self, folder: Path) -> None:
        """Write client.json, tokens and keys for all agencies, as ``make run`` does."""
        folder.mkdir(parents=True, exist_ok=True)
        client_home.write_config(folder, self.url)
        where = client_home.Home(folder, self.url, folder / "tokens", folder / "keys")
        for each in self.agencies:
            slug = each["agency"]
            key = client_home.SigningKey(f"{slug}-1", seed_of(slug))
            client_home.write_profile(where, slug, f"token-{slug}", key)

    def grow_timeline(self, code: str) -> None:
        """Show a case whose history gets an entry with every submission that is taken."""
        self.growing = code
        self.timelines[code] = {
            "case_ref": str(an_id("case-1")),
            "case_code": code,
            "role": "owner",
            "subjects": [str(an_id("subject"))],
            "entries": [],
        }

    def hold_after(self, answered: int) -> None:
        """Answer so many submissions more, then take the next and keep its sender waiting; ``taken`` says so."""
        self._answered_before_hold = answered

    # ---------------------------------------------------------------------------------- inspecting

    def controls(self) -> list[ControlPayload]:
        """The control parts of all accepted submissions, in order, each seal and signature checked."""
        return [decode(ControlPayload, self.parts(body)[CONTROL]) for body, _ in self.submissions.values()]

    def parts(self, body: bytes) -> dict[str, bytes]:
        """The parts of a sealed submission by label, opened with the vault's key."""
        submission = decode_submission(body)
        event = decode_event(submission.event)
        sender = next(a["agency"] for a in self.agencies if a["agency_id"] == str(event.header.sender))
        verify(event, SigningKey(seed_of(sender)).public_key)
        context = event_context(event.header)
        keys = open_manifest(submission, event, self.vault)
        return {key.label: open_slot(context, slot, key) for key in keys if (slot := event.slot(key.slot_id))}

    # ------------------------------------------------------------------------------------ answering

    async def _answer(self, request: Request) -> Response:
        path = "/" + request.path_params["path"]
        self.calls.append(f"{request.method} {path}")
        for fault in self.faults:
            if fault.times and path.startswith(fault.path):
                fault.times -= 1
                said = fault.body or {"title": "later", "status": fault.status, "code": "later"}
                return JSONResponse(said, fault.status, fault.headers)
        slug = request.headers.get("authorization", "").removeprefix("Bearer token-")
        if slug not in {each["agency"] for each in self.agencies}:
            return problem(401, "not-authentic", "this token is not known.")
        body = await request.body()
        return await self._route(request, path.removeprefix("/v1/").split("/"), slug, body)

    async def _route(self, request: Request, parts: list[str], slug: str, body: bytes) -> Response:
        match (request.method, *parts):
            case ("GET", "instance"):
                return JSONResponse(self._instance())
            case ("GET", "me"):
                return JSONResponse(next(each for each in self.agencies if each["agency"] == slug))
            case ("GET", "agencies"):
                return JSONResponse(self.agencies)
            case ("GET", "agencies", who, "losses") if who in self.losses:
                return JSONResponse(self.losses[who])
            case ("POST", "submissions"):
                return await self._submit(body)
            case ("POST", "assisted", "submissions"):
                self.assisted.append(json.loads(body))
                return JSONResponse(receipt(UUID(self.assisted[-1]["submission_id"]), len(self.assisted)))
            case ("GET", "inbox"):
                return self._inbox(request, slug)
            case ("GET", "inbox", "stream") if self.live_feed:
                return self._stream(request, slug)
            case ("POST", "inbox", dispatch, "open") if dispatch in self.contents:
                self.opened.append((dispatch, json.loads(body)["groups"]))
                return JSONResponse(self.contents[dispatch])
            case ("GET", "cases", code, *rest) if code in self.timelines:
                whole = self.timelines[code]
                return JSONResponse(
                    whole
                    if rest
                    else {
                        "case_ref": whole["case_ref"],
                        "case_code": code,
                        "subject_refs": whole["subjects"],
                    }
                )
            case ("GET", "waiting"):
                return JSONResponse(self.waiting)
            case _:
                return self._desk(request, parts, body)

    def _desk(self, request: Request, parts: list[str], body: bytes) -> Response:
        """What operators and data-protection officers use."""
        match (request.method, *parts):
            case ("GET", "reviews"):
                return JSONResponse(list(self.reviews.values()))
            case ("GET", "reviews", review) if review in self.reviews:
                return JSONResponse(self.reviews[review])
            case ("POST", "reviews", review, "resolve") if review in self.reviews:
                said = json.loads(body)
                self.resolved.append(said)
                state = "released" if said["action"] == "release" else "refused"
                return JSONResponse(self.reviews[review] | {"state": state})
            case ("GET", "lanes"):
                return JSONResponse(self.lanes)
            case ("GET", "dead-letters"):
                return JSONResponse(self.dead_letters)
            case ("POST", "lanes", lane, "release"):
                self.released.append(lane)
                return JSONResponse({"lane": lane})
            case ("POST", "subjects", _, "erasure"):
                return JSONResponse(
                    {"confirm": "river-lantern", "expires_at": RECORDED, "dispatches": 3, "groups": 7}
                )
            case ("POST", "subjects", subject, "erasure", "confirm"):
                if json.loads(body)["confirm"] != "river-lantern":
                    return problem(409, "wrong-word", "that is not the word.")
                self.erased.append(subject)
                return JSONResponse({"erased": True})
            case _:
                return problem(404, "not-found", "nothing here that you may know of.")

    def _instance(self) -> dict[str, Any]:
        return {
            "instance_id": str(self.instance_id),
            "name": "Stub",
            "demo": True,
            "version": "0",
            "vault_key_id": self.vault.key_id,
            "vault_public_key": base64.b64encode(self.vault.public.raw).decode(),
            "suite": SUITE_NAME,
            "counsel_signed": False,
        }

    async def _submit(self, body: bytes) -> Response:
        self.bodies.append(body)
        submission = decode_submission(body)
        header = decode_event(submission.event).header
        known = self.submissions.get(header.submission_id)
        control = decode(ControlPayload, self.parts(body)[CONTROL])
        if control.event in self.refuse_events:
            status = self.refuse_events[control.event]
            return problem(status, "told-no", "this is not taken.")
        if known is None:
            self.submissions[header.submission_id] = (
                body,
                receipt(header.submission_id, len(self.submissions) + 1),
            )
            if self.growing is not None:
                entry = {"at": RECORDED, "what": "event", "event": control.event}
                self.timelines[self.growing]["entries"].append(entry)
        elif known[0] != body:
            return problem(409, "conflict", "this submission id was used before for other content.")
        if self._answered_before_hold is not None:
            self._answered_before_hold -= 1
            if self._answered_before_hold < 0:
                self._answered_before_hold = None
                self.hold_submissions.set()
                self.taken.set()
        while self.hold_submissions.is_set():
            await asyncio.sleep(0.01)
        if self.lose_receipts:
            self.lose_receipts -= 1
            return JSONResponse({})
        answer = self.submissions[header.submission_id][1]
        return JSONResponse(answer | {"duplicate": known is not None})

    def _inbox(self, request: Request, slug: str) -> Response:
        after, limit = int(request.query_params["after"]), int(request.query_params.get("limit", 100))
        newer = [item for item in self.inbox.get(slug, []) if item["cursor"] > after]
        page = newer[:limit]
        following = page[-1]["cursor"] if page else after
        return JSONResponse({"items": page, "next": following, "more": len(newer) > limit})

    def _stream(self, request: Request, slug: str) -> Response:
        after = 0 if self.feed_repeats else int(request.query_params["after"])

        async def lines() -> AsyncIterator[bytes]:
            at = after
            yield b": welcome\n\n"
            while not self._server.should_exit:
                for item in [item for item in self.inbox.get(slug, []) if item["cursor"] > at]:
                    at = item["cursor"]
                    if at in self.feed_skips:
                        continue
                    yield f"id: {at}\nevent: item\ndata: {json.dumps(item)}\n\n".encode()
                await asyncio.sleep(0.01)

        return StreamingResponse(lines(), media_type="text/event-stream")


def receipt(submission_id: UUID, number: int) -> dict[str, Any]:
    """A receipt as ``POST /v1/submissions`` gives it."""
    return {
        "submission_id": str(submission_id),
        "event_id": str(an_id(f"event-{submission_id}")),
        "case_code": f"SP-K7RM-{number:04}",
        "case_ref": str(an_id(f"case-{number}")),
        "subject_refs": [],
        "recorded_at": RECORDED,
        "log": f"log/case-events/0/{number}",
    }


def problem(status: int, code: str, detail: str) -> Response:
    """RFC 9457 problem details."""
    body = {"title": code.replace("-", " "), "status": status, "code": code, "detail": detail}
    return JSONResponse(body, status, media_type="application/problem+json")
