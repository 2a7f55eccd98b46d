"""Compiled inner loops. Flat arrays and integers only; nothing here knows the Problem class.

How a feature costs nothing when unused
---------------------------------------
The modules of this package are loaded once per combination of features, each time as a package of its own
name with its own constants in :mod:`features <routing.search.kernels.features>` (see
:mod:`routing.search.variants`). A branch on such a constant is dropped by numba before it infers types, so
an absent feature costs neither run time nor compile time. Each variant has its own cache folder, because
numba's cache does not look at the values of globals. Imports between the modules are relative so that a
variant's modules find each other.
"""
