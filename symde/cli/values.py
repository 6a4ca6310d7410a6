"""What stands on the command line, as values."""

from __future__ import annotations

from collections.abc import Sequence

from symde.cli.command import UsageError


def number(text: str, option: str) -> float:
    """A float.

    Raises:
        UsageError: it is none.
    """
    try:
        return float(text)
    except ValueError:
        raise UsageError(f"{option} expects a number, found `{text}`") from None


def assignments(texts: Sequence[str], option: str) -> dict[str, float]:
    """Values by name from `name=value`, several in one text separated by commas."""
    values: dict[str, float] = {}
    for part in _parts(texts):
        name, equals, value = part.partition("=")
        if not equals or not name.strip():
            raise UsageError(f"{option} expects NAME=VALUE, found `{part}`")
        values[name.strip()] = number(value, f"{option} {name.strip()}")
    return values


def tolerance(texts: Sequence[str]) -> float | list[float] | dict[str, float]:
    """One number, several in the order of the states, or values by name."""
    if any("=" in text for text in texts):
        return assignments(texts, "--atol")
    values = [number(part, "--atol") for part in _parts(texts)]
    return values[0] if len(values) == 1 else values


def span(texts: Sequence[str]) -> tuple[float, float]:
    """A time span from `A B` or `A..B`."""
    parts = [part for text in texts for part in text.split("..", 1)]
    if len(parts) != 2:
        raise UsageError(f"--tspan expects two times, `A B` or `A..B`, found `{' '.join(texts)}`")
    return number(parts[0], "--tspan"), number(parts[1], "--tspan")


def save_times(text: str) -> float | list[float]:
    """A spacing, or times separated by commas."""
    parts = _parts([text])
    if "," in text:
        return [number(part, "--saveat") for part in parts]
    return number(text, "--saveat")


def _parts(texts: Sequence[str]) -> list[str]:
    return [part.strip() for text in texts for part in text.split(",") if part.strip()]
