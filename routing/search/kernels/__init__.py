"""Compiled inner loops. Flat arrays and integers only; nothing here knows the Problem class.

How a feature costs nothing when unused
---------------------------------------
:class:`routing.search.kernels.arrays.Flags` is a named tuple of tuples. A feature that is off is an empty
tuple, one that is on a one-tuple: another *type*. Numba compiles one specialisation per combination and
``len()`` of a tuple is a constant, so LLVM drops every branch of an absent feature. No closures and no
generated source are involved, so ``cache=True`` finds all specialisations again in the next process.
"""
