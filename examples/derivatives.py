"""What symde derives from a text, as sympy objects."""

import symde
from symde.testing import check_derivatives

model = symde.ode_def(
    """
    @ode_def Rober begin
      dy₁ = -k₁*y₁+k₃*y₂*y₃
      dy₂ =  k₁*y₁-k₂*y₂^2-k₃*y₂*y₃
      dy₃ =  k₂*y₂^2
    end k₁ k₂ k₃
    """
)
for equation in model.equations:
    print(equation)
print(model.jacobian())
print(model.parameter_jacobian())
print(model.latex())
print(check_derivatives(model))
