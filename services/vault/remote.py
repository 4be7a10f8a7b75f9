"""The vault in another process, seen from a service that holds no keyring.

It is given the naming keys once, at its start; all else it asks for over HTTP, on this machine or under TLS. A
vault that does not answer is no refusal: :class:`services.vault.errors.VaultAway`, and the caller waits.
"""

from __future__ import annotations

import ssl
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Self, TypeVar
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import msgspec
import structlog

from contracts.errors import SampanError, SetupProblem
from contracts.ids import Random
from contracts.sealing import SealedEvent, SealedSubmission, VaultPublicKey, encode_event, encode_submission
from contracts.sealing.release import EdgePublicKey
from services.vault import fence, wire
from services.vault.bundles import PinnedKey
from services.vault.errors import away
from services.vault.naming import Naming
from services.vault.port import Admission, Narrowing, OpenedRecord, OpenedSubmission
from services.vault.tickets import Grant, Regranted, Ticket

_TIMEOUT: Final = httpx.Timeout(40, connect=3, pool=20)  # beyond the vault's own limit for a statement
_LIMITS: Final = httpx.Limits(max_connections=16, max_keepalive_connections=8, keepalive_expiry=30)
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_NO_REFUSALS: Final = frozenset({"internal", "malformed-request"})
"""A fault of the vault, or of us two not being of one version: nothing that was asked has been refused."""
_log = structlog.get_logger(__name__)
Item = TypeVar("Item")


def check_url(url: str) -> None:
    """Keys travel on this line.

    Raises:
        SetupProblem: ``bad-vault-url``; ``vault-in-clear``, plain HTTP to another machine.
    """
    try:
        parts = urlsplit(url)
        is_whole = bool(parts.scheme in ("http", "https") and parts.hostname and parts.port != 0)
    except ValueError:  # no port that there can be
        parts, is_whole = urlsplit(""), False
    if not is_whole or parts.username or parts.query or parts.path.strip("/"):
        raise SetupProblem("This is no address of a vault.", code="bad-vault-url", field="SAMPAN_VAULT__URL",
                           remedy="Say https://host:port, or http://127.0.0.1:8424 on this machine.")  # fmt: skip
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise SetupProblem("Keys would travel in clear to another machine.", code="vault-in-clear",
                           field="SAMPAN_VAULT__URL", remedy="Say https://, or reach it on 127.0.0.1.")  # fmt: skip


class VaultRemote(Naming):
    """See :class:`services.vault.port.VaultDoor`. The caller's connection keeps the fence (:mod:`fence`)."""

    def __init__(self, client: httpx.AsyncClient, hello: wire.Hello, random: Random) -> None:
        super().__init__(hello.naming, VaultPublicKey(hello.public_key_id, hello.public_raw), random)
        self._client = client

    @classmethod
    async def connect(
        cls, url: str, token: str, random: Random, *, ca: ssl.SSLContext | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> Self:  # fmt: skip
        """Greet the vault. Close with :meth:`close`.

        Args:
            ca: whom to trust; None: whom this machine trusts.

        Raises:
            SetupProblem: see :func:`check_url`; ``vault-token``, it does not know this token.
            VaultAway: it does not answer yet.
        """
        check_url(url)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": wire.TYPE}
        client = httpx.AsyncClient(
            base_url=url, headers=headers, timeout=_TIMEOUT, limits=_LIMITS, verify=True if ca is None else ca,
            trust_env=False, follow_redirects=False, transport=transport,
        )  # fmt: skip
        try:
            return cls(client, await _greeted(client), random)
        except BaseException:
            await client.aclose()
            raise

    async def close(self) -> None:
        """Give the connections back."""
        await self._client.aclose()

    # Taking in.

    async def open_submissions(
        self, submissions: Sequence[tuple[SealedSubmission, SealedEvent]]
    ) -> list[OpenedSubmission | SampanError]:
        results: list[OpenedSubmission | SampanError] = []
        for raws in wire.in_parts([(raw := encode_submission(one), len(raw)) for one, _ in submissions]):
            answer: tuple[wire.OneSubmission, ...] = await self._ask("open_submissions", wire.Sealed(tuple(raws)))
            results += [_one(item.opened, item.refused) for item in answer]
        return results

    async def admit(self, connection: Any, admissions: Sequence[Admission], now: datetime) -> None:
        """A long batch is admitted in several transactions; each may come again."""
        if not admissions:
            return
        await fence.share(connection, {s for one in admissions for s in one.subjects.values()})
        for some in wire.in_parts([(said := _admission(one), len(said.event)) for one in admissions]):
            await self._ask("admit", wire.Admissions(tuple(some), now))

    async def narrow(self, connection: Any, narrowings: Sequence[Narrowing]) -> dict[UUID, int]:
        if not narrowings:
            return {}
        versions: dict[UUID, int] = await self._ask("narrow", wire.Narrowings(tuple(narrowings)))
        return versions

    # For the router.

    async def facts_keys(self, connection: Any, subject_ids: Collection[UUID]) -> dict[UUID, bytes]:
        if not subject_ids:
            return {}
        keys: dict[UUID, bytes] = await self._ask("facts_keys", wire.Subjects(tuple(set(subject_ids))))
        return keys

    async def open_records(
        self, connection: Any, records: Sequence[tuple[SealedEvent, Sequence[UUID]]]
    ) -> list[OpenedRecord | None]:
        results: list[OpenedRecord | None] = []
        said = [((encode_event(event), tuple(subjects)), event) for event, subjects in records]
        for some in wire.in_parts([(one, len(one[0])) for one, _ in said]):
            results += await self._ask("open_records", wire.Records(tuple(some)))
        return results

    async def grant(
        self, connection: Any, grants: Sequence[Grant], facts_keys: Mapping[UUID, bytes] | None = None
    ) -> None:
        if grants:
            whose = {grant.subject_id for grant in grants}
            known = None if facts_keys is None else {s: key for s, key in facts_keys.items() if s in whose}
            await self._ask("grant", wire.Grants(tuple(grants), known))

    async def change_grants(
        self, connection: Any, changes: Sequence[Regranted], versions: Mapping[UUID, int]
    ) -> None:
        if changes or versions:
            await self._ask("change_grants", wire.Changes(tuple(changes), dict(versions)))

    # Opening.

    async def release_keys(
        self, connection: Any, tickets: Sequence[Ticket], now: datetime
    ) -> list[dict[str, PinnedKey] | SampanError]:
        if not tickets:
            return []
        answer: tuple[wire.OneRelease, ...] = await self._ask("release_keys", wire.Tickets(tuple(tickets), now))
        return [_one(item.keys, item.refused) for item in answer]

    async def release_to_edge(
        self, connection: Any, tickets: Sequence[Ticket], edge: EdgePublicKey, now: datetime
    ) -> list[bytes | SampanError]:
        """Sealed where the keys are: none passes through this process."""
        if not tickets:
            return []
        asked = wire.EdgeTickets(tuple(tickets), edge.raw, now)
        answer: tuple[wire.OneSealed, ...] = await self._ask("release_to_edge", asked)
        return [_one(item.sealed, item.refused) for item in answer]

    # Erasing.

    async def hold(self, connection: Any, subject_id: UUID) -> None:
        await fence.exclude(connection, subject_id)

    async def count_bundles(self, connection: Any, subject_id: UUID) -> int:
        count: int = await self._ask("count_bundles", wire.Subject(subject_id))
        return count

    async def erase_subject(self, connection: Any, subject_id: UUID) -> None:
        await self._ask("erase_subject", wire.Subject(subject_id))

    async def erase_groups(self, connection: Any, subject_id: UUID, labels: Collection[str]) -> None:
        await self._ask("erase_groups", wire.Groups(subject_id, tuple(sorted(labels))))

    async def _ask(self, method: str, asked: Any) -> Any:
        """One call. What is not an answer of the vault is no answer: whoever asked waits and asks again.

        Raises:
            SampanError: as the vault raised it.
            VaultAway: no answer.
        """
        try:
            request = self._client.build_request("POST", wire.PATH + method, content=wire.encode(asked))
            answer = wire.decode(await _sent(self._client, request), wire.Answer)
            if answer.refused is None:
                return wire.decode(answer.value, wire.METHODS[method].answered)
        except msgspec.MsgspecError:
            _log.error("vault_not_understood", method=method)
            raise away() from None
        if answer.refused.code in _NO_REFUSALS:
            _log.error("vault_failed", method=method, error=answer.refused.code)
            raise away()
        raise wire.error_of(answer.refused)


async def _greeted(client: httpx.AsyncClient) -> wire.Hello:
    try:
        told = await _sent(client, client.build_request("GET", wire.PATH + "names"))
        hello: wire.Hello = wire.decode(told, wire.Hello)
    except _Unknown:
        raise SetupProblem("The vault does not know this token.", code="vault-token", field="SAMPAN_VAULT__TOKEN",
                           remedy="Give this process the token that the vault was started with.") from None  # fmt: skip
    except msgspec.MsgspecError:
        raise SetupProblem("What answers there is no vault of this version.", code="no-vault",
                           field="SAMPAN_VAULT__URL", remedy="Correct its address.") from None  # fmt: skip
    return hello


class _Unknown(Exception):
    """It does not know us."""


async def _sent(client: httpx.AsyncClient, request: httpx.Request) -> bytes:
    """The body of a good answer, bounded.

    Raises:
        VaultAway, _Unknown
    """
    body = bytearray()
    try:
        response = await client.send(request, stream=True)
        try:
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > wire.BODY_BYTES_MAX:
                    raise away()
        finally:
            await response.aclose()
    except httpx.HTTPError as error:
        _log.warning("vault_away", error=type(error).__name__)
        raise away() from None
    if response.status_code == 401 and request.method == "GET":
        raise _Unknown
    if response.status_code != 200:
        _log.warning("vault_away", status=response.status_code)
        raise away()
    return bytes(body)


def _admission(one: Admission) -> wire.OneAdmission:
    return wire.OneAdmission(encode_event(one.event), one.keys, tuple(one.subjects.items()))


def _one(value: Item | None, told: wire.Refused | None) -> Item | SampanError:
    if value is None:
        return away() if told is None else wire.error_of(told)
    return value
