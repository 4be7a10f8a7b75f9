"""Keyed MACs of content, for idempotency: never a bare hash, which lets anybody test a guess."""

from __future__ import annotations

import hmac

from contracts.sealing.submission import SealedSubmission


def content_mac(key: bytes, submission: SealedSubmission) -> bytes:
    """32 bytes over the sealed event. A retry carries the same bytes: equal MAC, same submission."""
    return hmac.digest(key, b"sampan/content/1\0" + submission.event, "sha256")


def document_mac(key: bytes, document: bytes) -> bytes:
    """32 bytes over a document in clear, for the assisted edge, where a repeat is sealed anew."""
    return hmac.digest(key, b"sampan/document/1\0" + document, "sha256")
