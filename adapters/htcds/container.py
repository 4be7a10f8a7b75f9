"""Is this file a workbook that is safe to open? Answered from its bytes and directory, before any parsing.

An xlsx is a zip of XML. A 40 MB file, a zip that swells to gigabytes, an entity that doubles itself, macros
or encryption are each refused with what to do instead; nothing of the file's content is ever named.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from typing import Final

from contracts.errors import InvalidInput

FILE_BYTES_MAX: Final = 10 * 1024 * 1024
UNPACKED_BYTES_MAX: Final = 48 * 1024 * 1024
ENTRIES_MAX: Final = 400
RATIO_MAX: Final = 200
"""Unpacked to packed of one part over 1 MiB. IOM's own sheets reach about 25; deflate's limit is 1032."""

_OLE2: Final = bytes.fromhex("d0cf11e0a1b11ae1")
_ENCODING: Final = re.compile(rb"""^\s*<\?xml[^>]*encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")


def refuse(message: str, code: str, remedy: str) -> InvalidInput:
    """A refusal of the whole document."""
    return InvalidInput(message, code=code, remedy=remedy)


def check(document: bytes) -> zipfile.ZipFile:
    """Open the archive of a workbook after looking at sizes, kinds and declared encodings.

    Raises:
        InvalidInput: not an xlsx, too large, encrypted, with macros, or built to swell.
    """
    if len(document) > FILE_BYTES_MAX:
        raise refuse(
            f"the file is larger than {FILE_BYTES_MAX // 1024 // 1024} MB",
            "file-too-large",
            "Remove pictures and empty formatted rows, or split it into several workbooks.",
        )
    if not document.startswith(b"PK\x03\x04"):
        raise _not_a_zip(document)
    try:
        archive = zipfile.ZipFile(io.BytesIO(document))
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        raise _damaged() from None
    _check_directory(archive)
    _check_parts(archive)
    return archive


def _not_a_zip(document: bytes) -> InvalidInput:
    if document.startswith(_OLE2):
        if "EncryptedPackage".encode("utf-16-le") in document:
            return refuse(
                "the workbook is protected by a password",
                "workbook-encrypted",
                "Open it, remove the password (File, Info, Protect Workbook) and save it again.",
            )
        return refuse(
            "this is the old Excel format .xls",
            "workbook-old-format",
            "Open it and save it as 'Excel Workbook (.xlsx)'.",
        )
    if not document.strip():
        return refuse("the file is empty", "file-empty", "Send the filled HTCDS workbook.")
    head = document[:4096]
    if b"\x00" not in head and any(mark in head for mark in (b",", b";", b"\t")):
        return refuse(
            "this is a text or CSV file, not a workbook",
            "workbook-is-csv",
            "Fill in IOM's HTCDS Excel template and save it as .xlsx; CSV loses zeros and dates.",
        )
    return refuse(
        "this is not an Excel workbook", "not-a-workbook", "Send IOM's HTCDS template, saved as .xlsx."
    )


def _damaged() -> InvalidInput:
    return refuse(
        "the workbook is damaged or incomplete",
        "workbook-damaged",
        "Open it in Excel or LibreOffice and save it again as .xlsx.",
    )


def _check_directory(archive: zipfile.ZipFile) -> None:
    entries = archive.infolist()
    names = [entry.filename for entry in entries]
    if len(entries) > ENTRIES_MAX or len(set(names)) != len(names):
        raise refuse(
            "the workbook holds too many parts",
            "workbook-swells",
            "Copy the sheet into a fresh HTCDS template.",
        )
    if any(entry.flag_bits & 0x1 for entry in entries):
        raise refuse(
            "the workbook is protected by a password",
            "workbook-encrypted",
            "Remove the password and save it again.",
        )
    unpacked = sum(entry.file_size for entry in entries)
    swollen = any(
        entry.file_size > 1024 * 1024 and entry.file_size > RATIO_MAX * max(1, entry.compress_size)
        for entry in entries
    )
    if unpacked > UNPACKED_BYTES_MAX or swollen:
        raise refuse(
            "the workbook unpacks to far more than its size",
            "workbook-swells",
            "Copy the filled rows into a fresh HTCDS template and send that.",
        )
    lower = [name.lower() for name in names]
    if any(name.endswith(("vbaproject.bin", ".xlm")) or "/macrosheets/" in name for name in lower):
        raise refuse(
            "the workbook holds macros",
            "workbook-macros",
            "Save it as 'Excel Workbook (.xlsx)', which leaves the macros out.",
        )
    if "xl/workbook.xml" not in lower:
        binary = "xl/workbook.bin" in lower
        raise refuse(
            "this is not an .xlsx workbook",
            "workbook-binary" if binary else "not-a-workbook",
            "Open it in Excel or LibreOffice and save it as .xlsx.",
        )


def _check_parts(archive: zipfile.ZipFile) -> None:
    """Only UTF-8 XML without a document type: what Excel writes, and what our later looks rely on."""
    for entry in archive.infolist():
        text = read_part(archive, entry.filename)
        xml = entry.filename.lower().endswith((".xml", ".rels", ".vml"))
        head = text[:200] if xml else b""
        declared = _ENCODING.match(head.removeprefix(b"\xef\xbb\xbf"))
        if b"\x00" in head or (declared and declared[1].lower() not in (b"utf-8", b"us-ascii", b"ascii")):
            raise _damaged()
        if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
            raise refuse(
                "the workbook's XML declares entities",
                "workbook-swells",
                "Copy the filled rows into a fresh HTCDS template and send that.",
            )
        if entry.filename == "[Content_Types].xml" and b"macroEnabled" in text:
            raise refuse(
                "the workbook is of the macro-enabled kind",
                "workbook-macros",
                "Save it as 'Excel Workbook (.xlsx)', which leaves the macros out.",
            )


def read_part(archive: zipfile.ZipFile, name: str) -> bytes:
    """One part, unpacked; never more than its declared size, which was checked before."""
    try:
        return archive.read(name)
    except (zipfile.BadZipFile, zlib.error, RuntimeError, OSError, EOFError, ValueError):
        raise _damaged() from None
