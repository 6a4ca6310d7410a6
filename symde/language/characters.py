"""Which characters a model text may hold, and what is meant where it holds others.

Letters of any alphabet, combining marks and subscript digits make names; strings and comments hold any
visible text. Look-alikes of operators are reported with what to type; characters that show nothing or change
the order of a line are refused everywhere, because a reader would see another model than the one that runs.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from symde.diagnostics import Diagnostics, Source, Span
from symde.language.limits import Limits

SUBSCRIPTS = "₀₁₂₃₄₅₆₇₈₉"

# Character -> what to type; a stand-in of one character lets the rest of the statement be read.
LOOKALIKES = {
    "−": "-", "–": "-", "—": "-", "‐": "-", "‑": "-", "×": "*", "·": "*", "⋅": "*", "∙": "*",
    "∗": "*", "•": "*", "÷": "/", "∕": "/", "⁄": "/", "≤": "<=", "≥": ">=", "≠": "!=", "≡": "==",
    "’": "'", "‘": "'", "′": "'", "″": "''", "ʹ": "'", "´": "'", "“": '"', "”": '"', "„": '"',
    "«": '"', "»": '"', "（": "(", "）": ")", "，": ",", "；": ";", "＝": "=", "＋": "+", "－": "-",
    "＊": "*", "／": "/", "→": "-->", "⟶": "-->", "⇌": "<-->", "↔": "<-->", "⇒": "=>",
    "√": "sqrt(...)", "∞": "inf", "∅": "0", "¬": "not", "∧": "and", "∨": "or", "…": "..",
}  # fmt: skip

_STAND_INS = {"≤": "<", "≥": "<", "≠": "<", "≡": "<", "∅": "0", "∞": "0", "∧": "*", "∨": "+"}
_SUPERSCRIPTS = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789", strict=True))
_PASSAGE = re.compile(r'"(?:[^"\\\n\r]|\\[^\n\r])*+"?|#[^\n\r]*+')
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_UNSAFE = ("Cc", "Cs", "Zl", "Zp")
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_BYTE_ORDER_MARK = "\ufeff"
_SPACES = frozenset("\t\x0b\x0c")


def plain(source: Source, found: Diagnostics, limits: Limits) -> tuple[str, frozenset[str]]:
    """The text with a stand-in of the same length for every character that only people understand.

    Combining marks become letters (names are taken from the source), spaces of all kinds become blanks,
    look-alikes what they look like, after an error for the first of each kind. The characters that have
    such an error come second.
    """
    text = source.text
    if text.startswith(_BYTE_ORDER_MARK):
        text = " " + text[1:]
    if text.isascii() and not _CONTROL.search(text):
        return text, frozenset()
    strange = {one for one in set(text) if not one.isascii() or _CONTROL.match(one)}
    stand_ins = {one: _SPACE_OR_MARK[kind] for one in strange if (kind := _kind(one)) in _SPACE_OR_MARK}
    refused = {one for one in strange if _kind(one) == "refused"}
    unsafe = {one for one in refused if is_unsafe(one)}
    if refused:
        stand_ins |= {one: _stand_in(one) for one in refused}
        _report(source, text, refused, unsafe, found, limits)
    _report_loose_marks(source, text, {one for one in strange if _kind(one) == "mark"}, found)
    table = {ord(one): stand_in for one, stand_in in stand_ins.items()}
    parts = [
        text[start:end].translate(table) if outside else text[start:end]
        for start, end, outside in _stretches(text)
    ]
    return "".join(parts), frozenset(refused)


_SPACE_OR_MARK = {"space": " ", "mark": "a"}


def is_unsafe(character: str) -> bool:
    """Whether a character hides or reorders text: refused in strings and comments too."""
    return unicodedata.category(character) in _UNSAFE or character in _BIDI


def _kind(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Zs" or character in _SPACES:
        return "space"
    if category in ("Mn", "Mc"):
        return "mark"
    if (category[0] == "L" and character not in LOOKALIKES) or category == "Nd" or character in SUBSCRIPTS:
        return "letter"
    return "refused"


def _stand_in(character: str) -> str:
    """One character that lets the parser go on as if the right thing had been typed."""
    if character in _STAND_INS:
        return _STAND_INS[character]
    meant = LOOKALIKES.get(character, "0")
    return meant if len(meant) == 1 else "0"


def _report(
    source: Source, text: str, refused: set[str], unsafe: set[str], found: Diagnostics, limits: Limits
) -> None:
    seen: set[str] = set()
    anywhere = _one_of(refused)
    for start, end, outside in _stretches(text):
        wanted = refused if outside else unsafe
        if len(seen) >= limits.errors:
            return
        if not wanted - seen:
            continue
        for match in anywhere.finditer(text, start, end):
            character = match[0]
            if character in wanted and character not in seen:
                seen.add(character)
                _report_one(character, Span(source, match.start(), match.end()), found)


def _report_one(character: str, span: Span, found: Diagnostics) -> None:
    name = describe(character)
    if is_unsafe(character) or unicodedata.category(character) == "Cf":
        help_text = "use a plain newline" if character in "\x85\u2028\u2029" else "remove it"
        found.error("E003", f"character that does not show: {name}", span, "here", help_text)
    elif character in LOOKALIKES:
        help_text = f"write `{LOOKALIKES[character]}`"
        found.error("E002", f"`{character}` is not an operator: {name}", span, "look-alike", help_text)
    elif character in _SUPERSCRIPTS:
        help_text = f"write `^{_SUPERSCRIPTS[character]}`"
        found.error("E002", f"`{character}` is not a power: {name}", span, "superscript", help_text)
    else:
        help_text = "names are letters of any alphabet, `_`, digits and subscript digits"
        found.error(
            "E001", f"unexpected character `{character}`: {name}", span, "no part of a model", help_text
        )


def _report_loose_marks(source: Source, text: str, marks: set[str], found: Diagnostics) -> None:
    """A combining mark belongs to a letter; elsewhere it would silently make a name of its own."""
    if not marks:
        return
    anywhere = _one_of(marks)
    for start, end, outside in _stretches(text):
        for match in anywhere.finditer(text, start, end) if outside else ():
            before = text[match.start() - 1 : match.start()]
            if not before.isalpha() and before not in marks and before != "_" and before not in SUBSCRIPTS:
                span = Span(source, match.start(), match.end())
                found.error(
                    "E001",
                    f"combining mark without a letter: {describe(match[0])}",
                    span,
                    "here",
                    "remove it",
                )
                return


def _stretches(text: str) -> Iterator[tuple[int, int, bool]]:
    """Start and end of the stretches outside and inside of strings and comments."""
    at = 0
    for match in _PASSAGE.finditer(text):
        yield at, match.start(), True
        yield match.start(), match.end(), False
        at = match.end()
    yield at, len(text), True


def _one_of(characters: set[str]) -> re.Pattern[str]:
    return re.compile("[" + "".join(re.escape(one) for one in sorted(characters)) + "]")


def describe(character: str) -> str:
    """The code point and its Unicode name: `U+2212 MINUS SIGN`."""
    name = unicodedata.name(character, "")
    return f"U+{ord(character):04X} {name}".rstrip()
