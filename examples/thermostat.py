"""A room with a thermostat: two thresholds, and a heating that is on or off.

python examples/thermostat.py [PNG]
"""

import sys

import symde

model = symde.ode_def("""
model Thermostat "heated below 19 degrees, left alone above 21"
  param outside = 5, leak = 0.1, power = 3, low = 19, high = 21
  state T = 20
  discrete on = 1, switches = 0
  time 0 .. 24
  T' = leak*(outside - T) + power*on
  warm: when T > high: on = 0, switches += 1
  cold: when T < low: on = 1, switches += 1
end
""")
solution = symde.solve(symde.Problem(model))
print(f"{solution['switches'][-1]:.0f} switches, the first at t = {solution.events[0].t:.6f}")

# a window is opened for a while: an event of this solve alone
window = [symde.Event(at=6, effects={"leak": "0.3"}), symde.Event(at=9, effects={"leak": "0.1"})]
open_window = symde.solve(symde.Problem(model), events=window)
print(f"{open_window['switches'][-1]:.0f} switches with the window open from 6 to 9 h")
if len(sys.argv) > 1:
    ax = open_window.plot(["T", "on"], scales={"on": 20})
    ax.figure.savefig(sys.argv[1], dpi=150)
