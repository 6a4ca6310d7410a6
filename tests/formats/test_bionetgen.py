"""Networks of BioNetGen's: what the file says, and what is refused with its line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import symde
from symde.diagnostics import ModelError

FILE = Path(__file__).with_name("receptor.net")


def test_the_equations_are_those_of_the_file() -> None:
    model = symde.load(FILE)
    p = {"kon": 3e-6, "koff": 0.05, "kdim": 6e-6, "K": 50.0}
    u = np.array([900.0, 20.0, 70.0, 4.0, 1.0])
    problem = symde.Problem(model, tspan=(0, 1))
    for name, value in p.items():
        assert problem.p[model.parameter_names.index(name)] == pytest.approx(value, rel=1e-14)
    # written out from the reactions of the file, rates times the plain product of reactants
    bind, free, pair, part = p["kon"] * 900 * 20, p["koff"] * 70, 0.5 * p["kdim"] * 70**2, p["koff"] * 4
    made, lost = 1 + 50 / 54, 0.01 * p["koff"] * 20
    expected = [free - bind, free - bind + made - lost, bind - free - 2 * pair + 2 * part, pair - part, 0]
    np.testing.assert_allclose(problem.system.slope(0.0, u, problem.p), expected, rtol=1e-13)
    assert problem.u0.tolist() == [1000, 100, 0, 0, 1]


def test_groups_functions_and_patterns() -> None:
    model = symde.load(str(FILE))
    assert model.name == "receptor" and model.observable_names == ("Ligands", "Dimers", "feedback")
    assert model.definition.states[2].doc == "L(r!1).R(d,l!1)"
    solution = symde.solve(symde.Problem(model, tspan=(0, 50)), saveat=5.0)
    np.testing.assert_allclose(solution["Ligands"], 1000, rtol=1e-6)
    np.testing.assert_allclose(
        solution["Ligands"], solution["S1"] + solution["S3"] + 2 * solution["S4"], rtol=1e-14
    )


def test_pairs_of_one_species_are_counted_as_in_the_file() -> None:
    # BioNetGen's stochastic rate of `3,3 4 0.5*kdim` is 0.5*kdim*n*(n - 1)
    model = symde.load(FILE)
    propensity = model.propensities[2]
    s3 = model.states[2]
    kdim = model.parameters[model.parameter_names.index("kdim")]
    assert float(propensity.subs({s3: 7, kdim: 2})) == 42


def test_the_text_of_the_model_reads_back() -> None:
    model = symde.load(FILE)
    assert symde.ode_def(model.text()) == model


BASE = """begin parameters
 1 k 2
end parameters
begin species
 1 A() 10
 2 B() k*2
end species
begin reactions
 1 1 2 k
end reactions
"""
END = "end reactions\n"


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("1 1 2 k", "1 1 7 k", 9, "no species of number `7`"),
        ("1 1 2 k", "1 1 2 Sat k 3", 9, "rate law `Sat`"),
        ("1 1 2 k", "1 1 2", 9, "a number, reactants"),
        ("1 1 2 k", "1 1 2 k*mratio(1,2,3)", 9, "function `mratio`"),
        ("1 1 2 k", "1 1 2 log(k)", 9, "function `log`"),
        ("1 1 2 k", "1 1 2 k k", 9, "is not understood"),
        ("1 1 2 k", "1 1 2 j", 9, "unknown name `j`"),
        ("1 k 2", "1 k", 2, "a name and its value"),
        ("1 A() 10", "1 10", 5, "a species and its initial amount"),
        (END, f"{END}begin protocol\nend protocol\n", 11, "a block `protocol`"),
        (END, f"{END}begin groups\n 1 G 1,9\nend groups\n", 12, "`9` is no member"),
        (END, f"{END}begin functions\n 1 f(x) k\nend functions\n", 12, "without arguments"),
        ("2 B() k*2", "1 B() k*2", 6, "species 1 stands in place 2"),
        (END, "", 8, "never ended"),
        (END, f"{END}setConcentration(A,3)\n", 11, "outside of all blocks"),
    ],
)
def test_what_is_not_understood_is_refused_with_its_line(
    tmp_path: Path, old: str, new: str, line: int, message: str
) -> None:
    file = tmp_path / "network.net"
    file.write_text(BASE.replace(old, new))
    with pytest.raises(ModelError) as caught:
        symde.load(file)
    one = caught.value.diagnostics[0]
    assert message in one.message and one.span is not None
    assert one.span.source.position(one.span.start)[0] == line


def test_an_empty_file_has_no_species(tmp_path: Path) -> None:
    file = tmp_path / "network.net"
    file.write_text("")
    with pytest.raises(ModelError, match="no species"):
        symde.load(file)


def test_names_of_models_in_a_network_file_mean_nothing() -> None:
    with pytest.raises(ValueError, match="leave out name="):
        symde.load(FILE, name="x")


def test_what_says_nothing_of_the_network_is_passed_over(tmp_path: Path) -> None:
    settings = 'version("2.2.6");\nsetOption("SpeciesLabel","HNauty")\nsubstanceUnits("Number");\n'
    volumes = "begin compartments\n CP 3 1.5\nend compartments\n"
    plain, full = tmp_path / "plain.net", tmp_path / "full.net"
    plain.write_text(BASE)
    full.write_text(settings + volumes + BASE)
    assert symde.load(plain).equations == symde.load(full).equations


def test_fixed_species_drive_reactions_and_stay(tmp_path: Path) -> None:
    file = tmp_path / "fixed.net"
    text = BASE.replace("2 B() k*2\n", "2 B() k*2\n 3 $F() 5\n 4 @EC::$Sink() 0\n")
    file.write_text(text.replace("1 1 2 k", "1 1,3 2 k\n 2 2 4 3*k\n 3 3 4 k"))
    model = symde.load(file)
    a, b, f, _ = model.states
    (k,) = model.parameters
    assert list(model.rhs()) == [-k * a * f, k * a * f - 3 * k * b, 0, 0]
