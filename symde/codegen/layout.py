"""Long expressions and lists of printed source on lines of readable length."""

from __future__ import annotations

import re
from collections.abc import Sequence

WIDTH = 100
"""Columns of a line, where it can be broken at all."""

_OPERATOR = re.compile(r" (?:[-+<>=!?:&|]+|if|else|and|or) ")
_DEEPEST = 4


def folded(start: str, text: str, end: str, brackets: tuple[str, str] = ("", "")) -> list[str]:
    """`start text end` on one line, or on several that break before operators.

    Args:
        start: What stands before the expression, indentation included.
        text: The expression.
        end: What stands behind it.
        brackets: What has to enclose an expression of several lines.
    """
    if len(start) + len(text) + len(end) <= WIDTH:
        return [f"{start}{text}{end}"]
    margin = " " * (len(start) - len(start.lstrip()) + 4)
    first, *rest = _pieces(text, WIDTH - len(margin))
    if not rest:
        return [f"{start}{text}{end}"]
    lines, line = [], start + brackets[0] + first
    for piece in rest:
        if len(line) + 1 + len(piece) > WIDTH:
            lines.append(line)
            line = margin + piece
        else:
            line += f" {piece}"
    return [*lines, line + brackets[1] + end]


def _pieces(text: str, width: int) -> list[str]:
    """The expression cut outside of its brackets; within them where a piece is still too long."""
    pieces = [text]
    for depth in range(_DEEPEST):
        pieces = [
            part for piece in pieces for part in ([piece] if len(piece) <= width else _cut(piece, depth))
        ]
    return pieces


def _cut(text: str, depth: int) -> list[str]:
    """Cut before operators inside of so many brackets, and behind commas there."""
    places, inside, position = [], 0, 0
    while position < len(text):
        character = text[position]
        inside += (character in "([") - (character in ")]")
        if character == " " and inside == depth and position > 0:
            if text[position - 1] == "," or _OPERATOR.match(text, position):
                places.append(position)
        position += 1
    return [text[i + 1 : j] for i, j in zip([-1, *places], [*places, len(text)], strict=True)]


def listed(start: str, elements: Sequence[str], end: str) -> list[str]:
    """`start element, element end` on one line, or on several with a comma behind every element.

    Args:
        start: The opening, indentation included.
        elements: The elements.
        end: The closing.
    """
    text = start + ", ".join(elements) + end
    if len(text) <= WIDTH:
        return [text]
    indentation = " " * (len(start) - len(start.lstrip()))
    margin = indentation + "    "
    lines, line = [start], ""
    for element in elements:
        if line and len(margin) + len(line) + len(element) + 2 > WIDTH:
            lines.append(margin + line)
            line = ""
        line += f" {element}," if line else f"{element},"
    return [*lines, margin + line, indentation + end]
