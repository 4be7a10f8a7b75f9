"""What `sampan run vault` refuses of its settings, before it opens anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from contracts.errors import SetupProblem
from services.assembly.settings import ServerSettings
from services.assembly.vault_member import run_vault


async def never() -> None:
    raise AssertionError("it listens")


@pytest.mark.parametrize(
    ("named", "missing"), [("certificate", "SAMPAN_VAULT__PRIVATE_KEY"), ("private_key", "SAMPAN_VAULT__CERTIFICATE")]
)
async def test_half_of_what_tls_needs_is_refused(named: str, missing: str) -> None:
    """Who names a certificate without its key, or a key alone, is told so: keys do not travel in clear instead."""
    settings = ServerSettings(vault=cast("Any", {"token": "t" * 32, named: Path("vault.pem")}))
    with pytest.raises(SetupProblem) as refused:
        await run_vault(settings, "postgresql://nobody@127.0.0.1:1/none", cast("Any", None), never)
    assert (refused.value.code, refused.value.field) == ("vault-half-tls", missing)
