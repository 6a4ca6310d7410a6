"""Addresses as typed pointers and callable kernels: the few operations numba lacks, as LLVM intrinsics."""

from __future__ import annotations

import ctypes

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from symde.engine.cpu import layout

OPTIONS = {
    "error_model": "numpy",
    "fastmath": {"contract"},  # fused multiply-add only: NaN must stay NaN
    "boundscheck": False,
    "nogil": True,
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
}

doubles_type = types.CPointer(types.float64)
integers_type = types.CPointer(types.int64)


def compiled(function):
    """A helper inlined into the compiled entry points."""
    return numba.njit(**OPTIONS)(function)


def _pointer_to(target):
    @intrinsic
    def cast(typing_context, address):
        def generate(context, builder, signature, arguments):
            return builder.inttoptr(arguments[0], context.get_value_type(target))

        return target(types.int64), generate

    return cast


def structure_at(structure: type[ctypes.Structure]):
    """A cast from an address to a structure whose fields are read and written."""
    return _pointer_to(numba.from_dtype(np.dtype(structure)))


state_at = structure_at(layout.State)
slots_of = structure_at(layout.Slot)
doubles = _pointer_to(doubles_type)
integers = _pointer_to(integers_type)

SLOT_BYTES = ctypes.sizeof(layout.Slot)


@compiled
def slot_at(state, index):
    """The method in place `index` of a solve."""
    return slots_of(state.slots + index * SLOT_BYTES)


def _call(result, *parameters):
    """An intrinsic that calls the function at an address."""

    def call(context, builder, signature, arguments):
        kinds = [context.get_value_type(kind) for kind in parameters]
        kind = ir.FunctionType(context.get_value_type(result), kinds)
        return builder.call(builder.inttoptr(arguments[0], kind.as_pointer()), arguments[1:])

    return result(types.int64, *parameters), call


@intrinsic
def call_kernel(typing_context, address, t, inputs, outputs):
    """`int32 kernel(double t, const double *const *in, double *const *out)`."""
    return _call(types.int32, types.float64, types.int64, types.int64)


@intrinsic
def call_step(typing_context, address, state):
    """`int32 function(State *)`: attempts, interpolants, factorisations."""
    return _call(types.int32, types.int64)


@intrinsic
def call_solve(typing_context, address, state, rhs, solution):
    """`int32 solve(State *, const double *rhs, double *solution)`."""
    return _call(types.int32, types.int64, types.int64, types.int64)
