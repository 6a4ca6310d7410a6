"""Rewrite work.json with the work of today, and tell what changed."""

from __future__ import annotations

from . import work


def main() -> None:
    """Measure all pairs, keep them, print every count that changed."""
    before = work.read() if work.FILE.exists() else {}
    now: work.Work = {}
    for method, name in work.pairs():
        counts = now.setdefault(method.name, {})[name] = work.spread(method, name)
        old = before.get(method.name, {}).get(name, {})
        changes = [f"{key} {old.get(key)} -> {counts[key]}" for key in counts if counts[key] != old.get(key)]
        if changes:
            print(f"{method.name} on {name}: {', '.join(changes)}")
    work.write(now)


if __name__ == "__main__":
    main()
