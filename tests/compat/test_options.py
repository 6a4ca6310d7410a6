"""What torchdiffeq's options do, and what is refused by name."""

from __future__ import annotations

import pytest
import torch

from symde.compat import odeint, odeint_adjoint
from tests.compat.equations import F64, START, TIMES, Decay, decayed

ENDS = torch.tensor([0.0, 1.0], dtype=F64)


class Jump:
    """y' = -y before t = 1/2, 2 y from there on."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, t, y):
        self.calls += 1
        return -y if t < 0.5 else 2.0 * y


@pytest.mark.parametrize("times", [ENDS, ENDS.flip(0)], ids=["forward", "backward"])
@pytest.mark.parametrize("function", [odeint, odeint_adjoint])
def test_a_jump_that_is_named_costs_less_and_is_exact(function, times) -> None:
    extra = {} if function is odeint else {"adjoint_params": ()}
    y0, calls = START.clone().requires_grad_(), []
    exact = torch.exp(torch.tensor(0.5 if times[1] > 0 else -0.5, dtype=F64))
    for options in (None, {"jump_t": torch.tensor([0.5])}):
        func = Jump()
        y = function(func, y0, times, rtol=1e-6, options=options, **extra)
        (by_y0,) = torch.autograd.grad(y[-1].sum(), y0)
        calls.append(func.calls)
    assert calls[1] < calls[0]
    assert torch.allclose(y[-1], START * exact, rtol=1e-5)
    assert torch.allclose(by_y0, exact.expand_as(by_y0), rtol=1e-5)


def test_times_saved_where_func_jumps() -> None:
    times = torch.tensor([0.0, 0.5, 0.75], dtype=F64, requires_grad=True)
    y = odeint(Jump(), torch.ones(1, dtype=F64), times, options={"jump_t": torch.tensor([0.5])})
    exact = torch.exp(torch.tensor([0.0, -0.5, 0.0], dtype=F64))
    assert torch.allclose(y[:, 0], exact, rtol=1e-6)
    # the slope at a saved time is the one before the jump, and a saved time moves nothing that follows
    (by_times,) = torch.autograd.grad(y.sum(), times)
    assert torch.allclose(by_times[1:], torch.stack([-exact[1], 2.0 * exact[2]]), rtol=1e-6)


def test_steps_end_at_step_t() -> None:
    seen = []

    def func(t, y):
        seen.append(float(t))
        return -y

    with torch.no_grad():
        odeint(func, START, ENDS, options={"step_t": torch.tensor([0.3, 0.7])})
    assert 0.3 in [round(t, 7) for t in seen] and 0.7 in [round(t, 7) for t in seen]


def test_first_and_largest_step() -> None:
    seen = []

    def func(t, y):
        seen.append(float(t))
        return -y

    with torch.no_grad():
        odeint(func, START, ENDS, rtol=1e-3, atol=1e-3, options={"first_step": 0.01, "max_step": 0.05})
    # the last stage of the first step is at its end; 20 steps of 0.05 cannot be less
    assert max(seen[:6]) == pytest.approx(0.01) and len(seen) > 6 * 20


def test_too_many_steps_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="max_num_steps"):
        odeint(Decay(), START, ENDS, options={"max_num_steps": 2})


def test_a_solve_that_fails_says_why() -> None:
    with pytest.raises(RuntimeError, match="the solve ended at t = 1: the step size became too small"):
        odeint(lambda t, y: y**2, torch.ones(1, dtype=F64), torch.tensor([0.0, 2.0], dtype=F64))
    with pytest.raises(RuntimeError, match="not finite"):
        odeint(lambda t, y: y / 0.0, START, TIMES)


def test_a_norm_of_ones_own_sees_states_as_they_are() -> None:
    shapes = []

    def norm(y):
        shapes.append([one.shape for one in y] if isinstance(y, tuple) else y.shape)
        return torch.zeros(())

    def pair(t, y):
        return -y[0], -y[1]

    with torch.no_grad():
        odeint(pair, (START, torch.tensor(0.5, dtype=F64)), ENDS, options={"norm": norm})
        odeint(lambda t, y: -y, START, ENDS, options={"norm": norm})
    assert shapes[0] == [(2, 3), ()] and shapes[-1] == (2, 3)


def test_without_a_norm_the_worst_tensor_of_a_tuple_counts() -> None:
    # a tensor of many zeros does not thin out the error of another
    def pair(t, y):
        return torch.cos(20.0 * t) * torch.ones_like(y[0]), torch.zeros_like(y[1])

    calls = []
    for many in (1, 1000):
        with torch.no_grad():
            seen = []
            odeint(
                lambda t, y, seen=seen: (seen.append(t), pair(t, y))[1],
                (torch.zeros(1, dtype=F64), torch.zeros(many, dtype=F64)),
                ENDS,
            )
        calls.append(len(seen))
    assert calls[0] == calls[1]


def test_grids() -> None:
    seen = []

    def euler(**options):
        seen.clear()
        y0 = torch.ones((), dtype=F64)
        y = odeint(lambda t, y: (seen.append(float(t)), y)[1], y0, ENDS, method="euler", options=options)
        return float(y[-1])

    assert euler(step_size=0.25) == pytest.approx(1.25**4) and seen == [0.0, 0.25, 0.5, 0.75]
    assert euler(step_size=0.4) == pytest.approx(1.4 * 1.4 * 1.2)
    assert euler(grid_constructor=lambda func, y0, t: torch.linspace(0, 1, 11)) == pytest.approx(1.1**10)
    euler(step_size=0.5, perturb=True)
    assert 0.0 < seen[0] < 1e-300 and 0.5 < seen[1] < 0.5 + 1e-15
    with pytest.raises(ValueError, match="exclude one another"):
        euler(step_size=0.5, grid_constructor=lambda func, y0, t: t)
    with pytest.raises(ValueError, match="must lead from"):
        euler(grid_constructor=lambda func, y0, t: t[:1] + torch.tensor([0.0, 0.5]))


def test_cubic_interpolation_between_grid_points() -> None:
    times = torch.tensor([0.0, 0.33, 1.0], dtype=F64)
    errors = []
    for interp in ("linear", "cubic"):
        y = odeint(Decay(), START, times, method="rk4", options={"step_size": 0.1, "interp": interp})
        errors.append((y[1] - decayed(START, times, 0.7)[1]).abs().max().item())
    # 0.1^2 / 8 and 0.1^4 / 384 of derivatives below 3
    assert 1e-5 < errors[0] < 4e-3 and errors[1] < 1e-6


def test_the_adjoint_has_tolerances_of_its_own() -> None:
    calls = []
    for tolerance in (1e-4, 1e-9):
        model, y0 = Decay(), START.clone().requires_grad_()
        y = odeint_adjoint(model, y0, ENDS, adjoint_rtol=tolerance, adjoint_atol=tolerance)
        model.calls = 0
        y.sum().backward()
        calls.append(model.calls)
        assert torch.allclose(y0.grad, 1.0 + torch.exp(-0.7 * ENDS[-1]).expand(2, 3), rtol=10 * tolerance)
    assert calls[0] < calls[1]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (dict(event_fn=lambda t, y: y), "with event_fn t has two times"),
        (dict(method="implicit_adams"), "multistep"),
        (dict(method="radauIIA5"), "KenCarp4"),
        (dict(method="scipy_solver"), "Rodas5P"),
        (dict(method="dopri"), "unknown method 'dopri'"),
        (dict(options={"min_step": 0.1}), "loosen rtol"),
        (dict(options={"safety": 0.8}), "symde's own controller"),
        (dict(options={"step_size": 0.8}), "no option 'step_size'"),
        (dict(method="rk4", options={"first_step": 0.8}), "no option 'first_step'"),
        (dict(method="rk4", options={"interp": "square"}), "unknown interp"),
        (dict(options={"first_step": -0.1}), "must be positive"),
        (dict(rtol=torch.tensor([[1e-3, 1e-4, 1e-5]] * 2)), "rtol must be one number"),
        (dict(atol=torch.ones(4)), "does not go with"),
        (dict(options={"jump_t": [0.5], "step_t": [0.5]}), "twice"),
    ],
)
def test_refusals(call: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        odeint(Decay(), START, TIMES, **call)


@pytest.mark.parametrize(
    ("func", "y0", "t", "error", "message"),
    [
        (Decay(), [1.0, 2.0], TIMES, TypeError, "y0 must be a tensor or a tuple"),
        (Decay(), torch.ones(2, dtype=torch.int64), TIMES, TypeError, "y0 must be float32"),
        (Decay(), (START, START.float()), TIMES, TypeError, "of one type"),
        (Decay(), START, [0.0, 1.0], TypeError, "t must be a tensor of floats"),
        (Decay(), START, TIMES[[0, 2, 1]], ValueError, "strictly ascending or descending"),
        (Decay(), START, TIMES[None], ValueError, r"shape \(T,\)"),
        (lambda t, y: y[0], START, TIMES, ValueError, "one slope for each"),
        (lambda t, y: (y,), START, TIMES, TypeError, "func must give a tensor"),
        (lambda t, y: y[0], (START, START), TIMES, TypeError, "a tuple of 2 tensors"),
        (0.5, START, TIMES, TypeError, "func must be callable"),
    ],
)
def test_mistakes(func, y0, t, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        odeint(func, y0, t)


def test_mistakes_with_the_adjoint() -> None:
    with pytest.raises(ValueError, match="adjoint_params"):
        odeint_adjoint(lambda t, y: -y, START, TIMES)
    with pytest.raises(ValueError, match="does not go with"):
        odeint_adjoint(Decay(), START, TIMES, method="dopri5", adjoint_method="rk4")
    with pytest.raises(ValueError, match="'seminorm'"):
        odeint_adjoint(Decay(), START, TIMES, adjoint_options={"norm": lambda y: y})
    odeint_adjoint(Decay(), START, TIMES, adjoint_options={"norm": "seminorm"})
    model = Decay()
    model.callback_step = lambda *_: None
    with pytest.raises(ValueError, match="callback_step would not be called"):
        odeint(model, START, TIMES)


def test_dropout_in_training_is_refused_where_gradients_are_recorded() -> None:
    class Noisy(Decay):
        def __init__(self) -> None:
            super().__init__()
            self.noise = torch.nn.Dropout()

    with pytest.raises(ValueError, match="training mode"):
        odeint(Noisy(), START, TIMES)
    odeint(Noisy().eval(), START, TIMES)
