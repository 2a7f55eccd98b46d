"""The test list of the reference (R1-R11, A1-A7, B1-B3, S1-S11, F1) as trials; ``cunda chaos`` runs them.

:mod:`benchmarks.trials.registry` names them all. It is not read here: the programs that trials start are modules of
this package too, and must not load what they do not need.
"""
