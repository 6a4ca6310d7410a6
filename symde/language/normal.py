"""One spelling for every name."""

from __future__ import annotations

import unicodedata


def normalised(name: str) -> str:
    """The name in Unicode's NFC: composed letters are one letter, but `y₁` stays apart from `y1`."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)
