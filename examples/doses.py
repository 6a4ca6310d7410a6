"""Doses of a medicine: by mouth every twelve hours, an infusion, and a rescue dose where the level is low.

python examples/doses.py [PNG]
"""

import sys

import symde

model = symde.ode_def("""
model Doses
  param ka = 1.2, CL = 3.5, V = 30
  param dose = 100, interval = 12, begin_at = 30, duration = 2
  state gut = 0, A = 0
  discrete rate = 0, rescues = 0
  time 0 .. 96
  C = A/V
  gut' = -ka*gut
  A' = ka*gut - CL*C + rate
  oral: every interval from t0 until 60: gut += dose
  infuse: at t = begin_at: rate = 50
  end_infusion: at t = begin_at + duration: rate = 0
  rescue: when C < 0.2 and t > 60 after 1: gut += dose/2, rescues += 1
end
""")
solution = symde.solve(symde.Problem(model), rtol=1e-8)
for event in solution.events:
    print(f"t = {event.t:7.3f}  {event.name}")
print(f"just before and after the second dose: {solution(12.0, side='left')}, {solution(12.0)}")
if len(sys.argv) > 1:
    solution.plot("C").figure.savefig(sys.argv[1], dpi=150)
