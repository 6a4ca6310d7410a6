"""Readable ASCII identifiers for a modeller's names: `y₁` is y1, `α` alpha, `x'` x_prime."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator

LONGEST = 60
"""Most characters of an identifier; C99 tells no more than 63 apart."""

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z", re.ASCII)
_WORDS = {"lamda": "lambda", "final sigma": "sigma"}


def ascii_identifier(name: str) -> str:
    """An ASCII identifier that reads like `name`; different names may get the same one."""
    name = unicodedata.normalize("NFC", name)
    text = "".join(
        character
        if character.isascii() and (character.isalnum() or character == "_")
        else _spelled(character)
        for character in name
    )
    # A leading underscore is reserved in C, a digit starts no identifier anywhere.
    if not _PLAIN.match(text):
        text = "v" + text
    return text[:LONGEST]


def _spelled(character: str) -> str:
    if character.isascii():
        return "_prime" if character == "'" else "_"
    plain = unicodedata.normalize("NFKD", character)
    letters = "".join(part for part in plain if not unicodedata.combining(part))
    if letters and letters.isascii() and letters.isalnum():
        return letters
    return _by_unicode_name(letters[0]) if len(letters) == 1 else f"u{ord(character):x}"


def _by_unicode_name(character: str) -> str:
    """`GREEK SMALL LETTER ALPHA` as alpha, a capital one as Alpha; what has no such name by its number."""
    kind, found, word = unicodedata.name(character, "").partition(" LETTER ")
    word = word.partition(" WITH ")[0].lower()
    word = _WORDS.get(word, word).replace(" ", "_").replace("-", "_")
    if not found or not _PLAIN.match(word):
        return f"u{ord(character):x}"
    return word.capitalize() if "CAPITAL" in kind else word


class Names:
    """Gives identifiers out, each once.

    Args:
        reserved: Identifiers that mean something else in the target language or the printed source.
    """

    def __init__(self, reserved: Collection[str] = ()) -> None:
        self._taken = set(reserved)

    def identifiers(self, names: Iterable[str]) -> tuple[str, ...]:
        """An identifier for each name, in order.

        A name that is an identifier already keeps it, whatever the others are spelled as; for the rest the
        earlier one wins and the later one gets a number.
        """
        names = tuple(names)
        given: dict[int, str] = {}
        for position, name in enumerate(names):
            if _PLAIN.match(name) and len(name) <= LONGEST and name not in self._taken:
                given[position] = name
                self._taken.add(name)
        for position, name in enumerate(names):
            if position not in given:
                given[position] = self.fresh(ascii_identifier(name))
        return tuple(given[position] for position in range(len(names)))

    def fresh(self, wish: str) -> str:
        """`wish`, or where that is taken `wish_`, then `wish_2`, `wish_3`, ..."""
        name, number = wish, 1
        while name in self._taken:
            name = f"{wish}_" if number == 1 else f"{wish}_{number}"
            number += 1
        self._taken.add(name)
        return name

    def numbered(self, stem: str) -> Iterator[str]:
        """Endless identifiers `stem1`, `stem2`, ... that nothing else has."""
        number = 0
        while True:
            number += 1
            if f"{stem}{number}" not in self._taken:
                yield f"{stem}{number}"
