"""LLVM IR text to object code for this machine's CPU, through llvmlite."""

from __future__ import annotations

import ctypes
import os
from dataclasses import dataclass
from functools import cache

import llvmlite.binding as llvm

ABI_VERSION = 1
"""Raised when the meaning of compiled kernels changes, so that no older object is ever loaded."""


class NativeError(RuntimeError):
    """Object code could not be made or loaded: faulty IR, or a symbol that nothing defines."""


@dataclass(frozen=True, slots=True)
class Host:
    """What decides whether object code made here runs there.

    Attributes:
        triple: LLVM's name of architecture, system and object format.
        cpu: LLVM's name of the CPU.
        features: Instruction set extensions in LLVM's notation. Home folders are shared between machines
            whose CPUs have one name and different features, so the name does not suffice.
        llvm: Version of LLVM.
    """

    triple: str
    cpu: str
    features: str
    llvm: str

    def identity(self) -> str:
        """Text that differs wherever object code may not be shared."""
        return "\0".join((self.triple, self.cpu, self.features, self.llvm, str(ABI_VERSION)))


@cache
def host() -> Host:
    """This machine. The first call readies LLVM for it."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    version = ".".join(map(str, llvm.llvm_version_info))
    features = llvm.get_host_cpu_features().flatten()
    return Host(llvm.get_process_triple(), llvm.get_host_cpu_name(), features, version)


@cache
def machine(codegen_level: int) -> llvm.TargetMachine:
    """The target machine of this process for a code generation level of 0 to 3."""
    here = host()
    target = llvm.Target.from_triple(here.triple)
    # The small model reads constants relative to the code and needs the linker to keep a library in one
    # piece, which JITLink does. Under Windows only the older linker and its large model are known to work.
    model = "jitdefault" if os.name == "nt" else "small"
    return target.create_target_machine(
        here.cpu, here.features, opt=codegen_level, reloc="pic", codemodel=model, jit=True
    )


def compile_ir(
    ir_text: str,
    *,
    codegen_level: int = 1,
    optimise: int = 0,
    slp: bool = False,
    known: frozenset[str] = frozenset(),
) -> bytes:
    """The object code of a module of LLVM IR.

    Args:
        ir_text: The module.
        codegen_level: Effort of instruction selection and scheduling, 0 to 3. Measured on generated kernels:
            2 and 3 cost 2 to 6 times the time of 1 and give nothing.
        optimise: Level of LLVM's passes over the IR, 0 (none) to 3. Graph kernels need none: what passes
            would share is already shared.
        slp: Vectorise straight-line code (needs `optimise`).
        known: Symbols that are defined when the object is loaded, though nothing in the process defines them.

    Raises:
        NativeError: The text is not valid IR, or calls a function that nothing in the process defines.
    """
    target = machine(codegen_level)
    try:
        # A context of its own: types and constants are freed with the module.
        module = llvm.parse_assembly(ir_text, context=llvm.create_context())
        module.verify()
    except RuntimeError as error:
        raise NativeError(str(error)) from error
    with module:
        module.triple = target.triple
        module.data_layout = str(target.target_data)
        if optimise:
            _run_passes(module, target, optimise, slp)
        _require_definitions(module, known)  # after the passes: they drop what nothing calls
        return target.emit_object(module)


def _require_definitions(module: llvm.ModuleRef, known: frozenset[str]) -> None:
    declared = {function.name for function in module.functions if function.is_declaration} - known
    missing = [name for name in declared if not name.startswith("llvm.") and not _defined_in_process(name)]
    if missing:
        raise NativeError(f"undefined symbols: {', '.join(sorted(missing))}")


def _defined_in_process(name: str) -> bool:
    if os.name == "nt":
        return True  # several C libraries at once: left to the linker
    return hasattr(_process(), name) or bool(llvm.address_of_symbol(name))


@cache
def _process() -> ctypes.CDLL:
    return ctypes.CDLL(None)


def _run_passes(module: llvm.ModuleRef, target: llvm.TargetMachine, level: int, slp: bool) -> None:
    options = llvm.create_pipeline_tuning_options(speed_level=level)
    options.slp_vectorization = slp
    options.loop_vectorization = level > 1
    builder = llvm.create_pass_builder(target, options)
    builder.getModulePassManager().run(module, builder)
