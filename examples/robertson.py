"""The Robertson problem from its text to 1e11, against its reference, with a plot.

python examples/robertson.py [--plot PNG]
"""

import argparse

import symde
from symde.cli.notice import tell_about_compilation

TEXT = """
@ode_def Rober begin
  dy₁ = -k₁*y₁+k₃*y₂*y₃
  dy₂ =  k₁*y₁-k₂*y₂^2-k₃*y₂*y₃
  dy₃ =  k₂*y₂^2
end k₁ k₂ k₃
"""
# Mazzia and Magherini, Test Set for IVP Solvers, release 2.4 (2008), problem ROBER, t = 1e11.
REFERENCE = [0.2083340149701255e-07, 0.8333360770334713e-13, 0.9999999791665050]

parser = argparse.ArgumentParser()
parser.add_argument("--plot", metavar="PNG")
options = parser.parse_args()

tell_about_compilation()

problem = symde.Problem(symde.ode_def(TEXT), u0=[1, 0, 0], tspan=(0, 1e11), p=[0.04, 3e7, 1e4])
solution = symde.solve(problem, rtol=1e-8, atol=[1e-14, 1e-18, 1e-10])
print(f"{solution}\n\n{'t = 1e11':10}{'symde':>22}{'reference':>22}{'relative error':>16}")
for name, value, reference in zip(solution.names, solution.u[-1], REFERENCE, strict=True):
    print(f"{name:10}{value:22.13e}{reference:22.13e}{abs(value / reference - 1):16.1e}")
print(f"{'sum - 1':10}{solution.u[-1].sum() - 1:22.1e}")

if options.plot:
    solution.plot(xscale="log", tspan=(1e-4, 1e11), scales={"y₂": 1e4}).figure.savefig(options.plot, dpi=150)
    print(f"\nplot: {options.plot}")
