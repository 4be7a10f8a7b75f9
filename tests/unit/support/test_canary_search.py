"""The search for planted words finds them in every form: a search that finds nothing proves nothing."""

from __future__ import annotations

import base64
import gzip
import zlib
from collections.abc import Callable

import pytest

from tests.support.canaries import found_in

WORD = "Somchit-Kanarienvogel"
HIDDEN: dict[str, Callable[[bytes], bytes]] = {
    "raw": lambda raw: raw,
    "utf-16le": lambda raw: raw.decode().encode("utf-16-le"),
    "utf-16be": lambda raw: raw.decode().encode("utf-16-be"),
    "hex": lambda raw: raw.hex().encode(),
    "base64": base64.b64encode,
    "base64, one byte before": lambda raw: base64.b64encode(b"x" + raw + b"yz"),
    "base64, two bytes before": lambda raw: base64.b64encode(b"xy" + raw + b"z"),
    "zlib": lambda raw: zlib.compress(b"before " + raw * 3),
    "gzip": lambda raw: gzip.compress(b"before " + raw),
}


@pytest.mark.parametrize("form", HIDDEN)
def test_a_word_is_found_in_each_form(form: str) -> None:
    """Wherever it stands in the bytes, and whatever stands around it."""
    for padding in range(4):
        content = b"\xff" * padding + HIDDEN[form](WORD.encode()) + b"\xff\xff"
        assert found_in(content, [WORD]), (form, padding)


def test_what_is_not_there_is_not_found() -> None:
    """Other words do not count."""
    assert found_in(b"Somchit and many other words" * 50, [WORD]) == []
