"""Systems of agencies for tests of lanes: the demo's Primero, and channels that answer as they are told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from adapters.channels.http import BasicAuth, HttpChannel
from adapters.exchange import Call, NoReply, Reply
from adapters.primero.codes import DEFAULT_CP, Lookups
from deploy.demo.primero_server import PrimeroServer
from services.edge.targets import PrimeroTarget, WebhookTarget

Answer = Callable[[Call], Awaitable[Reply | NoReply]]


@dataclass
class ToldChannel:
    """A channel that keeps what is sent and answers the next of what it was told; then 200."""

    answers: list[Reply | NoReply | Exception | Answer] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)

    async def perform(self, call: Call) -> Reply | NoReply:
        self.calls.append(call)
        answer = self.answers.pop(0) if self.answers else Reply(200, {})
        if isinstance(answer, Exception):
            raise answer
        if callable(answer):
            return await answer(call)
        return answer


def primero_target(server: PrimeroServer) -> PrimeroTarget:
    """The ministry whose Primero this server is."""
    channel = HttpChannel(
        server.url, BasicAuth("sampan", server.users["sampan"]), allow_insecure_loopback=True
    )
    return PrimeroTarget(channel, Lookups.from_mapping({**DEFAULT_CP, "transitioned_to": "ministry"}))


def webhook_target(channel: ToldChannel) -> WebhookTarget:
    """A partner that takes signed notices."""
    return WebhookTarget(channel, "/sampan", (lambda _message: bytes(64),))
