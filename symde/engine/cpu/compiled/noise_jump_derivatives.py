"""Derivatives of what jumps do to a path, beside it and back, and the notes of its steps that these need."""

from __future__ import annotations

from symde.engine.cpu.compiled.jump_effects import draw_numbers, effects_at
from symde.engine.cpu.compiled.pointers import call_kernel, compiled, doubles, integers, structure_at
from symde.engine.cpu.noise_jump_derivatives import JumpDerivatives

derivatives_at = structure_at(JumpDerivatives)


@compiled
def note_step(state, jumps, step, end, code):
    """Keep where a step ended and how it jumped, where that is wanted."""
    if jumps.derivatives == 0:
        return
    kept = derivatives_at(jumps.derivatives)
    if kept.recording != 0:
        place = integers(kept.starts)[state.path] + step
        doubles(kept.ends)[place] = end
        integers(kept.jumps)[place] = code


@compiled
def find_changes(state, jumps, channel):
    """The changes along each direction of the values that a jump sets, from the state before it."""
    kept, effects = derivatives_at(jumps.derivatives), effects_at(jumps.effects)
    draw_numbers(effects, channel, jumps.count)
    inputs = integers(kept.along_inputs)
    inputs[0], inputs[1] = state.u, integers(state.inputs)[1]
    first = state.changes + 8 * state.path * state.changes_stride
    for number in range(state.directions):
        inputs[3] = state.u + 8 * (number + 1) * state.own
        inputs[4] = first + 8 * number * state.parameters
        integers(kept.along_outputs)[0] = kept.changes + 8 * number * kept.width
        call_kernel(integers(kept.along)[channel], jumps.t, kept.along_inputs, kept.along_outputs)


@compiled
def put_changes(state, jumps, channel):
    """Let them be those of the states."""
    kept, effects = derivatives_at(jumps.derivatives), effects_at(jumps.effects)
    starts, targets = integers(effects.target_starts), integers(effects.targets)
    u, changes = doubles(state.u), doubles(kept.changes)
    for number in range(state.directions):
        for k in range(starts[channel], starts[channel + 1]):
            place = number * kept.width + k - starts[channel]
            u[(number + 1) * state.own + targets[k]] = changes[place]


@compiled
def weigh_jump(back, state, jumps, channel, count, t):
    """From the weight of the state after a jump to that of the state before, which is kept, and of the
    parameters."""
    kept, effects = derivatives_at(jumps.derivatives), effects_at(jumps.effects)
    draw_numbers(effects, channel, count)
    starts, targets = integers(effects.target_starts), integers(effects.targets)
    weight, of_values = doubles(back.weight), doubles(kept.of_values)
    for k in range(starts[channel], starts[channel + 1]):
        of_values[k - starts[channel]] = weight[targets[k]]
        weight[targets[k]] = 0.0
    integers(kept.back_inputs)[1] = integers(state.inputs)[1]
    call_kernel(integers(kept.back)[channel], t, kept.back_inputs, back.outputs)
    by_states, by_parameters = doubles(back.by_states), doubles(back.by_parameters)
    for i in range(state.n):
        weight[i] += by_states[i]
    by_p = doubles(back.by_p + 8 * state.path * back.by_p_stride)
    for j in range(back.parameters):
        by_p[j] += by_parameters[j]
