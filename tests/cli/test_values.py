"""What stands on the command line becomes values, or an error that says what was expected."""

from __future__ import annotations

import pytest

from symde.cli import values
from symde.cli.command import UsageError, main
from symde.cli.table import table, width


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["0", "1e5"], (0.0, 1e5)),
        (["0..1e5"], (0.0, 1e5)),
        (["-1.5..2.5"], (-1.5, 2.5)),
        (["10", "0"], (10.0, 0.0)),
    ],
)
def test_a_span_is_two_numbers(texts, expected):
    assert values.span(texts) == expected


def test_a_span_may_begin_below_zero(capsys, tmp_path):
    path = tmp_path / "decay.symde"
    path.write_text("state x = 1\nx' = -x\n", encoding="utf-8")
    for span in (["-1..2"], ["-1", "2"], ["-.5..2"]):
        assert main(["solve", str(path), "--tspan", *span]) == 0
        assert "t = 2" in capsys.readouterr().out


@pytest.mark.parametrize("texts", [["5"], ["1", "2", "3"], ["a..b"], ["0..1..2"]])
def test_anything_else_is_no_span(texts):
    with pytest.raises(UsageError, match="--tspan"):
        values.span(texts)


def test_values_by_name_come_apart_or_together():
    assert values.assignments(["k1=1", "k₂=2e3,k3=-4"], "--set") == {"k1": 1.0, "k₂": 2000.0, "k3": -4.0}


@pytest.mark.parametrize("text", ["k1", "=3", "k1=", "k1=x"])
def test_a_value_without_name_or_number_is_refused(text):
    with pytest.raises(UsageError, match="--set"):
        values.assignments([text], "--set")


def test_a_tolerance_is_a_number_or_many_or_by_name():
    assert values.tolerance(["1e-9"]) == 1e-9
    assert values.tolerance(["1e-9,1e-8"]) == [1e-9, 1e-8]
    assert values.tolerance(["y1=1e-9", "y2=1e-8"]) == {"y1": 1e-9, "y2": 1e-8}


def test_one_number_of_saveat_is_a_spacing_and_a_comma_makes_a_list():
    assert values.save_times("0.5") == 0.5
    assert values.save_times("0.5,") == [0.5]
    assert values.save_times("0,1,2.5") == [0.0, 1.0, 2.5]


def test_columns_are_aligned_by_what_the_eye_sees():
    lines = table([["y₁", "1"], ["温度", "200"]], ["name", "value"], right=[1]).splitlines()
    assert lines == ["name  value", "----  -----", "y₁        1", "温度    200"]
    assert width("é") == 1 and width("e\u0301") == 1
