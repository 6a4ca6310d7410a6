from symde.engine.batched.forward import Forward
from symde.engine.batched.problem import Batch
def solve_by_adjoint(batch: Batch) -> Forward:
    raise NotImplementedError
