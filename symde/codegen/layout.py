"""Long expressions and lists of printed source on lines of readable length."""

from __future__ import annotations

import re
from collections.abc import Sequence

WIDTH = 100
"""Columns of a line, where it can be broken at all."""

_BREAKS = re.compile(r" (?=(?:[-+<>=!?:&|]+|if|else|and|or) )")


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
    lines, line = [], start + brackets[0]
    empty = True
    for piece in _BREAKS.split(text):
        if not empty and len(line) + 1 + len(piece) > WIDTH:
            lines.append(line)
            line, empty = margin + piece, False
        else:
            line += piece if empty else f" {piece}"
            empty = False
    return [*lines, line + brackets[1] + end]


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
