"""A modeller's words inside generated source: they can end no comment, no string and no line."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence


def one_line(text: str, limit: int = 400) -> str:
    """Text as one line that every editor and compiler shows as it is.

    White space of any kind (line separators too) becomes one space; control characters, invisible and
    direction-changing ones become their code, so that what is read is what is there.
    """
    words = " ".join(text[: 4 * limit].split())
    shown = "".join(
        character if _is_visible(character) else f"<U+{ord(character):04X}>" for character in words
    )
    return shown if len(shown) <= limit else shown[: limit - 4] + " ..."


def _is_visible(character: str) -> bool:
    return character == " " or unicodedata.category(character)[0] not in "CZ"


def c_comment(text: str) -> str:
    """A comment of C on one line; its end stands on that line, behind any backslash or `??/` of the text."""
    return f"/* {_inside_c(one_line(text))} */"


def c_block(lines: Sequence[str]) -> list[str]:
    """A comment of C on many lines; each of them is one line already."""
    return ["/*", *(f" * {_inside_c(line)}".rstrip() for line in lines), " */"]


def _inside_c(line: str) -> str:
    return line.replace("*/", "* /").replace("/*", "/ *").replace("??/", "?? /")


def c_string(text: str) -> str:
    """A C string literal of the text in UTF-8: plain ASCII, without trigraphs, no longer than C99 allows."""
    return '"' + "".join(_c_byte(byte) for byte in text.encode("utf-8", "replace")[:4095]) + '"'


def _c_byte(byte: int) -> str:
    if 32 <= byte < 127 and chr(byte) not in '"\\?':
        return chr(byte)
    return f"\\{byte:03o}"
