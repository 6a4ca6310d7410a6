"""Two doses of a drug, measured with noise: rates, volume and the noise itself from the data, with a picture.

python examples/fit_doses.py [PNG]
"""

import sys

import numpy as np

import symde

model = symde.ode_def("""
model Absorption "a drug in the gut, then in the blood"
  param ka = 1 [1/h] in (0, 20), ke = 0.1 [1/h] in (0, 5), volume = 20 [l] in (1, 500)
  param noise = 0.2 in (0, 2)
  state gut = 100 [mg], blood = 0 [mg]
  time 0 .. 24
  gut' = -ka*gut
  blood' = ka*gut - ke*blood
  concentration = blood/volume
end
""")
problem = symde.Problem(model)
# what a laboratory would give: concentrations by the hour, one lost, with 10 % of noise
truth = symde.remake(problem, p=[2.0, 0.25, 35.0, 0.1])
hours, experiments = np.array([0.25, 0.5, 1, 2, 3, 5, 8, 12, 18, 24]), []
generator = np.random.default_rng(8)
for dose in (100.0, 300.0):
    exact = symde.solve(symde.remake(truth, u0={"gut": dose}), saveat=hours)["concentration"]
    measured = exact * np.exp(0.1 * generator.standard_normal(len(hours)))
    measured[4] = np.nan
    data = {"t": hours, "concentration": measured}
    experiments.append(symde.Experiment(data, u0={"gut": dose}, name=f"{dose:g} mg"))

result = symde.fit(problem, experiments, sigma="noise", log=True, starts=5)  # noise relative to the value
print(result.summary())
print(result.profile("ke"))
if len(sys.argv) > 1:
    result.plot()[0].figure.savefig(sys.argv[1], dpi=120)
