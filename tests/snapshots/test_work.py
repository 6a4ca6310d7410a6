"""Methods do the work they did: more is a loss, less a gain to write down with tests.snapshots.update."""

from __future__ import annotations

import pytest

from . import work

KEPT = work.read()
# rounding differs between machines and shifts single steps; a changed constant of a controller shifts more
RELATIVE, ABSOLUTE = 0.02, 2


def margin(counts: work.Counts, count: str) -> float:
    """A shifted step brings its own evaluations: two steps' worth of each count, and half the spread seen."""
    (least, most), steps = counts[count], counts["accepted"][1] + counts["rejected"][1]
    return RELATIVE * most + ABSOLUTE * max(1.0, most / steps) + (most - least) / 2


@pytest.mark.parametrize("method, name", work.pairs(), ids=lambda one: getattr(one, "name", one))
def test_the_work_is_what_it_was(method, name):
    kept, now = KEPT[method.name][name], work.measure(method, name)
    changed = {}
    for count, (least, most) in kept.items():
        allowed = margin(kept, count)
        if not least - allowed <= now[count] <= most + allowed:
            changed[count] = {"was": (least, most), "is": now[count]}
    assert not changed, f"{method.name} on {name}: {changed}; if meant: python -m tests.snapshots.update"


def test_the_file_holds_the_pairs_measured_and_no_others():
    held = {(method, name) for method, problems in KEPT.items() for name in problems}
    assert held == {(method.name, name) for method, name in work.pairs()}
