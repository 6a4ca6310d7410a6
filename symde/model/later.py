"""Statements that the language knows and this version does not build yet: one code each."""

from __future__ import annotations

_CODES: tuple[tuple[str, str], ...] = (
    ("array", "E906"),
    ("import", "E912"),
    ("use", "E912"),
)
OTHER = "E999"


def later_code(feature: str) -> str:
    """The error code of a later feature, from the words that name it."""
    words = feature.lower()
    return next((code for word, code in _CODES if word in words), OTHER)
