"""Methods are found by name, one object each, and read from their file only when asked for."""

from __future__ import annotations

import subprocess
import sys

import pytest

from symde.engine.cpu import families
from symde.engine.methods import registry


@pytest.mark.parametrize("name", registry.names())
def test_names_are_found_in_letters_of_either_case(name):
    method = registry.get(name)
    assert method.name == name
    assert registry.get(name.upper()) is registry.get(name.lower()) is method


@pytest.mark.parametrize("name", registry.names())
def test_methods_say_what_they_are_for_and_whom_to_cite(name):
    method = registry.get(name)
    assert method.family in families.NAMES
    assert method.kind and method.stability
    assert method.citation and method.source
    assert method.when_to_use.endswith(".") and method.when_to_use.count(".") == 1


@pytest.mark.parametrize(
    "wrong, nearest",
    [
        ("rodas5", "Rodas5P"),
        ("tsit", "Tsit5"),
        ("RK45", "DP5"),
        ("ode15s", "QNDF"),
        ("CVODE", "FBDF"),
        ("adams", "VCABM"),
        ("lsoda", "auto"),
        ("rosenbrok23", "Rosenbrock23"),
    ],
)
def test_unknown_names_lead_to_the_nearest(wrong, nearest):
    with pytest.raises(ValueError) as caught:
        registry.get(wrong)
    message = str(caught.value)
    assert f"unknown method '{wrong}': did you mean '{nearest}'?" in message


@pytest.mark.parametrize(
    "wrong, family",
    [
        ("KenCarp", ["KenCarp3", "KenCarp4", "KenCarp5", "KenCarp47", "KenCarp58"]),
        ("vern", ["Vern6", "Vern7", "Vern8", "Vern9"]),
        ("Rodas", ["Rodas5P", "Rodas4"]),
        ("GaussLegendre", ["GaussLegendre4", "GaussLegendre6"]),
    ],
)
def test_a_name_without_its_number_leads_to_the_family(wrong, family):
    expected = " or ".join(f"'{name}'" for name in family)
    with pytest.raises(ValueError, match=f"unknown method '{wrong}': did you mean {expected}\\?"):
        registry.get(wrong)


def test_names_like_none_list_all():
    with pytest.raises(ValueError, match="unknown method 'zzz': there are Tsit5, "):
        registry.get("zzz")


def test_a_method_object_is_itself():
    method = registry.get("BS3")
    assert registry.get(method) is method
    with pytest.raises(TypeError, match="found int"):
        registry.get(5)


def test_only_the_method_asked_for_is_read():
    script = (
        "import sys; from symde.engine.methods import registry; registry.names(); registry.get('dp5');"
        "print([name for name in registry.names() if 'symde.engine.methods.' + name.lower() in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['DP5']"


def test_a_method_shows_its_name_and_not_its_numbers():
    assert repr(registry.get("Vern9")) == "<Method Vern9>"
    assert all(repr(method) == f"<Method {method.name}>" for method in registry.methods())
