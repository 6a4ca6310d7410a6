"""Stepping a solve by hand: each step looked at, the state changed on the way."""

import symde

problem = symde.Problem(
    """
    model Cooling
      param rate = 0.5, room = 20
      state temperature = 90
      time 0 .. 20
      temperature' = -rate*(temperature - room)
    end
    """
)
integrator = symde.Integrator(problem, "Tsit5", rtol=1e-8)
while integrator.t < 4:
    integrator.step()
print(f"{integrator.stats.accepted} steps to t = {integrator.t:.3f}: {integrator.state}")

integrator.advance(10.0)
integrator.set_u({"temperature": 60.0})  # hot water is poured in
integrator.advance(20.0)
print(f"at t = {integrator.t}: {integrator.state['temperature']:.3f} degrees")
