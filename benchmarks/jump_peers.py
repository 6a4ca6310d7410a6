"""What else there is for Python, on the network of ten reactions of `benchmarks.jumps`.

    python -m benchmarks.jump_peers

Those that are installed of rebop, COPASI, libRoadRunner, GillesPy2 and bioscrape are measured, with
symde's SortingDirect before and after them where it is installed too. A measurement includes what a program
needs to start a path.
"""

from __future__ import annotations

import importlib.util
import time
from xml.etree.ElementTree import Element, SubElement, tostring

import numpy as np

from benchmarks.jumps import TEN, best

EVENTS_OF_TEN = 503.5
"""Events of `TEN` per unit of time in the long run, by symde; peers do not count theirs."""


def peers() -> None:
    """What else there is, on the network of ten reactions; SBML for those that read it."""
    _symde()
    for name, run in (
        ("rebop", _rebop),
        ("COPASI", _copasi),
        ("roadrunner", _roadrunner),
        ("gillespy2", _gillespy),
        ("bioscrape", _bioscrape),
    ):
        module = {"COPASI": "basico"}.get(name, name)
        if importlib.util.find_spec(module) is None:
            print(f"{name}: not installed")
            continue
        run()
    _symde()


def _symde() -> None:
    if importlib.util.find_spec("llvmlite") is None:
        return
    import symde

    problem = symde.Problem(symde.ode_def(TEN), kind="jump")
    end = problem.tspan[1]
    _report("symde, SortingDirect", best(lambda: symde.solve(problem, seed=1, saveat=[end])), end)


def _report(name: str, seconds: float, end: float) -> None:
    print(f"{name:32} {EVENTS_OF_TEN * end / seconds / 1e6:8.2f} million events a second", flush=True)


REACTIONS = (
    ("k1", {}, {"A": 1}, 100.0), ("k2", {"A": 1}, {}, 1.0), ("k3", {"A": 1, "B": 1}, {"C": 1}, 0.01),
    ("k4", {"C": 1}, {"A": 1, "B": 1}, 1.0), ("k5", {"C": 1}, {"D": 1}, 0.5), ("k6", {"D": 1}, {"C": 1}, 1.0),
    ("k7", {"D": 2}, {"E": 1}, 0.001), ("k8", {"E": 1}, {"D": 2}, 1.0), ("k9", {"B": 1}, {"D": 1}, 0.5),
    ("k10", {"D": 1}, {"B": 1}, 1.0),
)  # fmt: skip
START = {"A": 100, "B": 100, "C": 50, "D": 20, "E": 10}


def _law(reactants: dict[str, int], rate: str) -> str:
    """The counting law as a formula."""
    factors = [rate]
    for name, count in reactants.items():
        factors.append(name if count == 1 else f"{name}*({name}-1)/2")
    return "*".join(factors)


def _rebop() -> None:
    import rebop

    network = rebop.Gillespie()
    for _, taken, given, rate in REACTIONS:
        left, right = ([one for one, n in side.items() for _ in range(n)] for side in (taken, given))
        # rebop multiplies by n*(n - 1) for a pair
        network.add_reaction(rate / (2 if 2 in taken.values() else 1), left, right)
    end = 200.0
    seconds = best(lambda: network.run(START, tmax=end, nb_steps=1, rng=1))
    _report("rebop", seconds, end)


def _sbml() -> str:
    """SBML by hand: amounts, one compartment of size 1."""
    model = Element("model", id="ten", substanceUnits="item", extentUnits="item", timeUnits="second")
    compartments = SubElement(model, "listOfCompartments")
    SubElement(compartments, "compartment", id="c", size="1", spatialDimensions="3", constant="true")
    species = SubElement(model, "listOfSpecies")
    fixed = {"hasOnlySubstanceUnits": "true", "boundaryCondition": "false", "constant": "false"}
    for name, count in START.items():
        amount = {"id": name, "compartment": "c", "initialAmount": str(count), "substanceUnits": "item"}
        SubElement(species, "species", **amount, **fixed)
    parameters = SubElement(model, "listOfParameters")
    reactions = SubElement(model, "listOfReactions")
    for label, taken, given, rate in REACTIONS:
        SubElement(parameters, "parameter", id=label, value=str(rate), constant="true")
        reaction = SubElement(reactions, "reaction", id=f"r{label}", reversible="false", fast="false")
        for tag, side in (("listOfReactants", taken), ("listOfProducts", given)):
            members = SubElement(reaction, tag) if side else None
            for one, n in side.items():
                SubElement(members, "speciesReference", species=one, stoichiometry=str(n), constant="true")
        law = SubElement(
            SubElement(reaction, "kineticLaw"), "math", xmlns="http://www.w3.org/1998/Math/MathML"
        )
        _mathml(SubElement(law, "apply"), label, taken)
    root = Element("sbml", xmlns="http://www.sbml.org/sbml/level3/version1/core", level="3", version="1")
    root.append(model)
    return tostring(root, encoding="unicode", xml_declaration=True)


def _mathml(product: Element, rate: str, taken: dict[str, int]) -> None:
    """rate*A*(A - 1)*0.5 ..."""
    SubElement(product, "times")
    SubElement(product, "ci").text = rate
    for one, n in taken.items():
        SubElement(product, "ci").text = one
        if n == 2:
            less = SubElement(product, "apply")
            SubElement(less, "minus")
            SubElement(less, "ci").text = one
            SubElement(less, "cn").text = "1"
            SubElement(product, "cn").text = "0.5"


def _copasi() -> None:
    import basico

    basico.load_model_from_string(_sbml())
    end = 200.0
    for method in ("directMethod", "stochastic"):

        def run(method: str = method) -> object:
            return basico.run_time_course(
                0, end, 1, method=method, use_initial_values=True, max_steps=10**9, stepsize=end
            )

        name = {"directMethod": "direct", "stochastic": "Gibson and Bruck"}[method]
        _report(f"COPASI, {name}", best(run), end)


def _roadrunner() -> None:
    import roadrunner

    runner = roadrunner.RoadRunner(_sbml())
    runner.setIntegrator("gillespie")
    runner.integrator.variable_step_size = False
    end = 200.0

    def run() -> object:
        runner.reset()
        return runner.simulate(0, end, 2)

    _report("libRoadRunner", best(run), end)


def _bioscrape() -> None:
    from bioscrape.simulator import py_simulate_model
    from bioscrape.types import Model

    pairs = [(taken, given) for _, taken, given, _ in REACTIONS]
    sides = [[[one for one, n in side.items() for _ in range(n)] for side in pair] for pair in pairs]
    reactions = [
        # a pair has the propensity k*n*(n - 1), as in rebop
        (left, right, "massaction", {"k": rate / (2 if len(set(left)) < len(left) else 1)})
        for (left, right), (*_, rate) in zip(sides, REACTIONS, strict=True)
    ]
    model = Model(species=list(START), reactions=reactions, initial_condition_dict=START)
    end = 200.0
    times = np.array([0.0, end])
    _report("bioscrape", best(lambda: py_simulate_model(times, Model=model, stochastic=True)), end)


def _gillespy() -> None:
    import gillespy2

    model = gillespy2.Model(name="ten")
    model.add_species([gillespy2.Species(name, initial_value=count) for name, count in START.items()])
    model.add_parameter([gillespy2.Parameter(label, expression=rate) for label, *_, rate in REACTIONS])
    for label, taken, given, _ in REACTIONS:
        law = _law(taken, label)
        model.add_reaction(gillespy2.Reaction(f"r{label}", taken, given, propensity_function=law))
    end = 200.0
    model.timespan(gillespy2.TimeSpan([0.0, end]))
    solver = gillespy2.SSACSolver(model)
    # a program of its own, whose processor time is not ours
    seconds = best(lambda: model.run(solver=solver, seed=1), time.perf_counter)
    _report("GillesPy2, SSACSolver", seconds, end)


if __name__ == "__main__":
    peers()
