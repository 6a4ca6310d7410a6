"""Jump processes: events a second, beside what else there is for Python.

    python benchmarks/jumps.py             the methods of symde, by the size of the network
    python benchmarks/jumps.py --beside    jumps beside differential equations and beside noise
    python benchmarks/jumps.py --leaping   what leaps make of variances, beside exact paths
    python benchmarks/jumps.py --peers     rebop, COPASI, libRoadRunner, GillesPy2, those that are installed

The network of ten reactions is `TEN`, the others are rings X0 <--> X1 <--> ... with rates between 0.5 and
1.5. Every measurement is the best of many after one to warm up; that of a peer includes what it needs to
start a path.
"""

from __future__ import annotations

import argparse
import importlib.util
import time
from collections.abc import Callable
from xml.etree.ElementTree import Element, SubElement, tostring

import numpy as np

TEN = """
model Ten
  param k1 = 100, k2 = 1, k3 = 0.01, k4 = 1, k5 = 0.5, k6 = 1, k7 = 0.001, k8 = 1, k9 = 0.5, k10 = 1
  state A = 100, B = 100, C = 50, D = 20, E = 10
  time 0 .. 200
  k1, 0 --> A
  k2, A --> 0
  (k3, k4), A + B <--> C
  (k5, k6), C <--> D
  (k7, k8), 2D <--> E
  (k9, k10), B <--> D
end
"""
EVENTS_OF_TEN = 503.5
"""Events of `TEN` per unit of time in the long run, by symde; peers do not count theirs."""

RINGS = (15, 50, 150, 500, 5000)


def best(run: Callable[[], object], clock: Callable[[], float] = time.process_time) -> float:
    """Seconds of processor of the fastest run, after one that does not count: on a shared machine most are
    slower."""
    run()
    times: list[float] = []
    begun = time.perf_counter()
    while len(times) < 3 or time.perf_counter() - begun < 2:
        started = clock()
        run()
        times.append(clock() - started)
    return min(times)


def ring(count: int) -> str:
    """A ring of reversible steps."""
    rates = np.random.default_rng(1).uniform(0.5, 1.5, (count, 2))
    lines = (f"({a}, {b}), X{i} <--> X{(i + 1) % count}" for i, (a, b) in enumerate(rates))
    return "\n".join(lines)


def own() -> None:
    """The methods of symde."""
    import symde
    from symde.engine.jumps import registry
    from symde.jumps import solve_jumps

    exact = [one.name for one in registry.methods() if one.exact]
    problems = {"10 reactions": symde.Problem(symde.ode_def(TEN), kind="jump")}
    for count in RINGS:
        model = symde.ode_def(ring(count))
        start, span = np.full(count, 10.0), (0.0, 5_000.0 / count)
        problems[f"{2 * count} reactions"] = symde.Problem(model, start, span, kind="jump")
    print(f"{'million events a second':24}", *(f"{name:>22}" for name in exact))
    for name, problem in problems.items():
        end = [problem.tspan[1]]
        speeds = []
        for method in exact:
            seconds = best(lambda: solve_jumps(problem, method, seed=1, saveat=end))  # noqa: B023
            speeds.append(solve_jumps(problem, method, seed=1, saveat=end).stats.events / seconds / 1e6)
        print(f"{name:24}", *(f"{speed:22.2f}" for speed in speeds), flush=True)
    _leaping()
    _short_paths()


SWITCH = """
model Switch
  param kon = 5, koff = 3, b = 2, d = 0.7
  state g = 0, x = 0
  time 0 .. 10000
  dx = b*g - d*x
  jump kon*(1 - g)*(1 + x): g += 1
  jump koff*g: g -= 1
end
"""

MERTON = """
model Merton
  param mu = 0.1, sigma = 0.2, lam = 1, m = -0.1, s = 0.15
  state S = 1
  time 0 .. 1
  dS = mu*S*dt + sigma*S*dW
  jump RATE: S = S*exp(normal(m, s))
end
"""


def beside() -> None:
    """Jumps a second beside an equation, by method and tolerance, and steps a second beside noise."""
    import symde
    from symde.piecewise import solve_piecewise

    problem = symde.Problem(symde.ode_def(SWITCH))
    end = [problem.tspan[1]]
    print("jumps beside an equation, million a second:")
    for method in ("BS3", "Tsit5", "Vern7", "Taylor", "Rodas5P", "VCABM"):
        speeds = []
        for rtol in (1e-4, 1e-6, 1e-8):
            options = {"seed": 1, "saveat": end, "rtol": rtol, "max_steps": 10**8}
            seconds = best(lambda: solve_piecewise(problem, method, **options))  # noqa: B023
            speeds.append(solve_piecewise(problem, method, **options).stats.jumps / seconds / 1e6)
        print(
            f"  {method:10}", *(f"{speed:6.2f}" for speed in speeds), " at rtol 1e-4, 1e-6, 1e-8", flush=True
        )
    for rate in ("lam", "lam*S"):
        problem = symde.Problem(symde.ode_def(MERTON.replace("RATE", rate)))
        for method in ("EulerMaruyama", "SRIW1"):
            options = {"n": 10_000, "seed": 1, "dt0": 1 / 128, "saveat": [1.0]}
            seconds = best(lambda: symde.ensemble(problem, method, **options))  # noqa: B023
            print(f"jump {rate}: ... beside noise by {method}: {1.28 / seconds:.1f} million steps a second")


def leaping() -> None:
    """Variances of leaps near an equilibrium, relative to what is exact."""
    import symde
    from symde.engine.jumps import registry

    for size in (1_000, 10_000, 100_000):
        problem = symde.Problem(f"{size}, 0 --> X\n1, X --> 0", {"X": size}, (0, 8), kind="jump")
        for epsilon in (0.1, 0.03, 0.01):
            method = registry.get("TauLeaping").with_epsilon(epsilon)
            found = symde.ensemble(problem, method, n=20_000, seed=1, saveat=[8.0]).u[:, 0, 0]
            print(
                f"{size} molecules, epsilon {epsilon}: mean {found.mean() / size:.5f}, variance "
                f"{found.var() / size:.3f} of the exact one"
            )


def _leaping() -> None:
    import symde

    model = symde.ode_def("(k, g), 2A <--> B\nA(0) = 1000000; B(0) = 0")
    problem = symde.Problem(model, tspan=(0, 10), p={"k": 1e-6, "g": 0.5}, kind="jump")
    for method in ("Direct", "RSSACR", "TauLeaping"):
        seconds = best(lambda: symde.solve(problem, method, seed=1, saveat=1.0))  # noqa: B023
        print(f"a path of a million molecules by {method}: {1e3 * seconds:.2f} ms")


def _short_paths() -> None:
    import symde

    problem = symde.remake(symde.Problem(symde.ode_def(TEN), kind="jump"), tspan=(0, 0.01))
    seconds = best(lambda: [symde.solve(problem, seed=i, saveat=[0.01]) for i in range(1000)])
    print(f"a call for a path of some 5 events: {1e3 * seconds:.1f} us")


def peers() -> None:
    """What else there is, on the network of ten reactions; SBML for those that read it."""
    for name, run in (
        ("rebop", _rebop),
        ("COPASI", _copasi),
        ("roadrunner", _roadrunner),
        ("gillespy2", _gillespy),
    ):
        module = {"COPASI": "basico"}.get(name, name)
        if importlib.util.find_spec(module) is None:
            print(f"{name}: not installed")
            continue
        run()


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
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peers", action="store_true", help="the others, in place of symde")
    parser.add_argument("--beside", action="store_true", help="jumps beside equations and beside noise")
    parser.add_argument("--leaping", action="store_true", help="variances of leaps")
    given = parser.parse_args()
    run_it = peers if given.peers else beside if given.beside else leaping if given.leaping else own
    run_it()
