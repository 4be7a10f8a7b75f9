"""Intake learns from ``dispatches`` what recipients call a case, a person and a dispatch.

So an answer or a new event that names an alias finds its place. An alias that is not known yet may only be on
its way: whoever looks one up in vain catches up with the topic once and looks again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final
from uuid import UUID

from contracts.codec import decode
from contracts.errors import InvalidInput, SampanError
from contracts.records import DispatchRecord
from contracts.sealing import unframe
from contracts.topic_names import DISPATCHES
from services.intake import store
from services.runtime.consumer import ConsumerLoop
from services.runtime.failures import NotOurs
from services.runtime.log.port import LogReader, StoredRecord
from services.runtime.positions import applied_offsets
from services.runtime.store.port import UnitOfWork
from services.runtime.store.postgres import PostgresStore

_LOOKS: Final = 40
_LOOK_SECONDS: Final = 0.05


class CodeTaken(SampanError):
    """Two cases would have one code: an answer could reach the wrong case, so nothing is learnt."""

    default_code = "case-code-taken"


AliasOf = Callable[[str, UUID, UUID], UUID]
"""(kind, true id, agency) to what the agency calls it."""


class AliasStep:
    """``step`` for the consumer loop.

    Besides the recipient, who told it learns a name for each dispatch: an answer by telephone is entered by it.
    """

    def __init__(self, alias_of: AliasOf) -> None:
        self._alias_of = alias_of

    async def __call__(self, work: UnitOfWork, records: Sequence[StoredRecord]) -> None:
        """Remember the aliases of new dispatches."""
        made = [entry for record in records if (entry := _read(record)).kind == "dispatch"]
        refs = []
        codes = {}
        for entry in made:
            names = (entry.alias, entry.case_alias, entry.subject_alias, entry.recipient, entry.case_code)
            alias, case_alias, subject_alias, recipient, code = names
            if (
                alias is None
                or case_alias is None
                or subject_alias is None
                or recipient is None
                or code is None
            ):
                raise NotOurs("a dispatch without its aliases")
            refs.append((alias, "d", entry.dispatch_id, recipient))
            refs.append((case_alias, "c", entry.case_id, recipient))
            refs.append((subject_alias, "s", entry.subject_id, recipient))
            codes[entry.case_id, recipient] = code
            for teller in entry.told_by:
                outgoing = self._alias_of("dispatch", entry.dispatch_id, teller)
                refs.append((outgoing, "o", entry.dispatch_id, teller))
        await store.insert_refs(work.connection, refs)
        if await store.insert_codes(work.connection, codes):
            raise CodeTaken("two cases have the same code")


class CatchUp:
    """Learns what was given out so far; costs nothing where nothing was since the last time.

    Args:
        told_in: the logs of other databases, as their tables have them, in which routers tell of dispatches.
    """

    def __init__(
        self, aliases: ConsumerLoop, store_: PostgresStore, told_in: Sequence[LogReader] = ()
    ) -> None:
        self._aliases, self._store, self._told_in = aliases, store_, (store_.log, *told_in)
        self._known = -1

    async def __call__(self) -> None:
        """Follow the topic as far as this process may: another may own some of it, or have owned it till now."""
        seen = self._store.wake.seen([DISPATCHES])
        if seen != self._known:
            await self._aliases.run_once()
            if self._is_alone:
                self._known = seen

    @property
    def _is_alone(self) -> bool:
        """Whether what this process has heard of is all there is: it follows the table itself, and all of it.

        On Kafka a commit is heard of before the relay has carried it.
        """
        return self._aliases.owns_all and self._aliases.follows is self._store.log

    @property
    def is_current(self) -> bool:
        """Whether this process alone follows the topic, and has followed it to what it has heard of."""
        return self._is_alone and self._known == self._store.wake.seen([DISPATCHES])

    async def is_complete(self) -> bool:
        """Whether every alias that was given out by now is known, whoever has followed the topic.

        Another process that does so is given a moment; one that died holds its lease for longer.
        """
        heads = {await log.log_id(): await log.heads(DISPATCHES) for log in self._told_in}
        for _ in range(_LOOKS):
            await self._aliases.run_once()
            if all([await self._has_applied(log_id, until) for log_id, until in heads.items()]):
                return True
            await self._store.clock.sleep(_LOOK_SECONDS)
        return False

    async def _has_applied(self, log_id: UUID, heads: Mapping[int, int]) -> bool:
        async with self._store.pool.acquire() as connection:
            applied = await applied_offsets(connection, self._aliases.name, DISPATCHES, log_id)
        return all(applied.get(partition, -1) >= head for partition, head in heads.items())


def _read(record: StoredRecord) -> DispatchRecord:
    try:
        return decode(DispatchRecord, unframe(record.value)[1])
    except InvalidInput:
        raise NotOurs("not a dispatch record") from None
