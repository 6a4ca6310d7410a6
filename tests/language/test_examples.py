"""The examples beside the grammar."""

from __future__ import annotations

from pathlib import Path

import pytest

from symde.language import parse, unparse
from symde.model.ode_def import ode_def

EXAMPLES = sorted((Path(__file__).parents[2] / "grammar" / "examples").glob("*.symde"))


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 5


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_an_example_is_read_written_and_read_again(file: Path) -> None:
    blocks = parse(file.read_text(encoding="utf-8"), filename=file.name)
    again = "\n".join(unparse(block) for block in blocks)
    assert parse(again) == blocks


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_every_model_of_an_example_makes_sense(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    for block in parse(text):
        model = ode_def(text, name=block.name.id if block.name is not None else None)
        assert model.state_names
