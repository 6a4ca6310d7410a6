"""Nearest names for messages, in bounded time however many names and mistakes a model has."""

from __future__ import annotations

from collections.abc import Iterable

from symde.diagnostics import Diagnostics, suggest

# Comparing two names takes about 10 µs: these keep all suggestions of one model below a tenth of a second.
MOST_CANDIDATES = 300
MOST_MISTAKES = 30


def nearest(name: str, candidates: Iterable[str], found: Diagnostics) -> str | None:
    """The candidate nearest to a name; None where none is near, or after many mistakes.

    Of many candidates only those are compared that begin alike and are about as long.
    """
    if len(found.found) >= MOST_MISTAKES:
        return None
    names = list(candidates)
    if len(names) > MOST_CANDIDATES:
        begin, length = name[:1].lower(), len(name)
        names = [one for one in names if one[:1].lower() == begin and abs(len(one) - length) <= 2]
    return suggest(name, names[:MOST_CANDIDATES])
