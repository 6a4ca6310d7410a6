"""What is a name: the language's rule for names that do not come from a text."""

from __future__ import annotations

import unicodedata

_SUBSCRIPT_DIGITS = frozenset("₀₁₂₃₄₅₆₇₈₉")


def normalised(name: str) -> str:
    """A name as the language reads it: NFC, never NFKC (`y₁` is not `y1`)."""
    return unicodedata.normalize("NFC", name)


def is_name(name: str) -> bool:
    """Whether `name` may stand in a text: a letter or `_`, then letters, digits, `_`, subscript digits."""
    base = name.rstrip("'")
    if not base or not (base[0].isalpha() or base[0] == "_"):
        return False
    return all(_continues(character) for character in base[1:])


def _continues(character: str) -> bool:
    if character.isalpha() or character == "_" or character in _SUBSCRIPT_DIGITS:
        return True
    return character in "0123456789" or unicodedata.category(character) in ("Mn", "Mc", "Nd")
