"""What this client remembers of the server, so that it can seal without a connection.

Nothing here is about a person: the instance's public key, and who the agency is.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final, TypeVar

from pydantic import BaseModel, ValidationError

from contracts.api import AgencyInfo, InstanceInfo
from contracts.errors import NotAuthentic, SampanError
from services.client.api import Api
from services.client.errors import NoConnection
from services.client.files import private_folder, write_private

OPERATOR: Final = "operator"
"""The profile of whoever runs the server: its token speaks for an agency, whose name is not the profile's."""
M = TypeVar("M", bound=BaseModel)


class Known:
    """A small memory of one server's answers, refreshed whenever it can be reached."""

    def __init__(self, folder: Path, url: str, api: Api) -> None:
        self._folder = private_folder(folder / "known" / hashlib.sha256(url.encode()).hexdigest()[:16])
        self._api = api

    def instance(self) -> InstanceInfo:
        """The instance and its public key, asked for or remembered.

        Raises:
            NoConnection: not reached now, and never before.
            NotAuthentic: the key changed while its id did not.
        """
        remembered = self._remembered("instance", InstanceInfo)
        try:
            fresh = self._api.instance()
        except SampanError as trouble:
            return self._or_remembered(trouble, remembered)
        if (
            remembered is not None
            and remembered.vault_key_id == fresh.vault_key_id
            and remembered.vault_public_key != fresh.vault_public_key
        ):
            raise NotAuthentic(
                "the server shows another public key under the id that it had before. Nothing was sent.",
                code="vault-key-changed",
                remedy="Ask whoever runs the server, by telephone, whether this is meant.",
            )
        self._remember("instance", fresh)
        return fresh

    def me(self, agency: str) -> AgencyInfo:
        """Who the agency is, asked for or remembered.

        Raises:
            NoConnection: not reached now, and never before.
            NotAuthentic: the token belongs to another agency.
        """
        try:
            fresh = self._api.me()
        except SampanError as trouble:
            return self._or_remembered(trouble, self._remembered(f"agency-{agency}", AgencyInfo))
        if agency not in (fresh.agency, OPERATOR):
            raise NotAuthentic(
                f"the token in {agency}.token is that of another agency.",
                code="token-of-another-agency",
                remedy="Put each agency's token in the file of its own name.",
            )
        self._remember(f"agency-{agency}", fresh)
        return fresh

    def _or_remembered(self, trouble: SampanError, remembered: M | None) -> M:
        if not trouble.retryable:
            raise trouble
        if remembered is None:
            raise NoConnection(
                f"{trouble.message} This machine never reached it before, so it cannot seal for it yet.",
                code="never-connected",
                remedy="Connect once (`sampan agencies --as AGENCY`); your document is untouched.",
            ) from None
        return remembered

    def _remember(self, name: str, model: BaseModel) -> None:
        write_private(self._folder / f"{name}.json", model.model_dump_json().encode())

    def _remembered(self, name: str, model: type[M]) -> M | None:
        try:
            return model.model_validate_json((self._folder / f"{name}.json").read_bytes())
        except (FileNotFoundError, ValidationError):
            return None
