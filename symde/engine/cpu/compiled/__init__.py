"""The compiled engine: everything in this folder is written in numba's subset of Python.

Functions take the address of a `State` (see `symde.engine.cpu.layout`) or plain pointers; they allocate
nothing, raise nothing and call models through addresses, so they are compiled once per machine, never for a
model. Importing this folder imports numba; only `symde.engine.cpu.build` does so, on a cache miss.
"""
