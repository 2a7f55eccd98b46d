"""Which rules a variant of the kernels is compiled with.

These are the values static tools see. :mod:`routing.search.variants` loads the kernels once for each
combination, every time with constants of its own in place of this module.
"""

from __future__ import annotations

NAME = "everything"
TW = True
"""Time matters: windows, shifts, limits."""
DUR = True
"""Duration is priced or limited."""
HET = True
"""More than one class of vehicles, or terms that depend on the class."""
MIXED = True
"""Pickups: the load peak is checked."""
LIMITS = True
"""Most distance, driving time or tasks of a route."""
PAIR = True
"""Shipments."""
BACK = False
"""Deliveries before collections and nothing else; the walk judges the rule where there is more."""
TRIPS = False
"""Several trips and release times with windows, one kind of vehicle, prices of distance only."""
RICH = True
"""Every other rule, judged by walking along the route."""

LINKED = False
"""None of these: loads are all that counts, and changes are tried on links alone."""
