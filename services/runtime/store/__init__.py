"""The unit of work: position, state and emitted records in one transaction."""

from services.runtime.store.port import (
    Advance,
    CommitUnknown,
    FencedError,
    ParkedRecord,
    Store,
    UnitOfWork,
)

__all__ = ["Advance", "CommitUnknown", "FencedError", "ParkedRecord", "Store", "UnitOfWork"]
