"""The colours of visitors' lights, as people with and without colour blindness see them."""

from __future__ import annotations

from itertools import combinations
from typing import Final

from lockers.lights import COLOURS

OKABE_ITO: Final = ("E69F00", "56B4E9", "009E73", "F0E442", "0072B2", "D55E00", "CC79A7")
"""Without black and grey, which no lamp shows."""

Matrix = tuple[tuple[float, float, float], ...]

#: What is left of a colour without one kind of cone, in linear light. Source: Machado, Oliveira and Fernandes (2009),
#: "A physiologically-based model for simulation of color vision deficiency", severity 1.
SIGHT: Final[dict[str, Matrix]] = {
    "normal": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protan": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deutan": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritan": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}  # fmt: skip

#: Linear light to cones, cones to OKLab. Source: Ottosson (2020), "A perceptual color space for image processing".
CONES: Final[Matrix] = (
    (0.4122214708, 0.5363325363, 0.0514459929), (0.2119034982, 0.6806995451, 0.1073969566),
    (0.0883024619, 0.2817188376, 0.6299787005),
)  # fmt: skip
LAB: Final[Matrix] = (
    (0.2104542553, 0.7936177850, -0.0040720468), (1.9779984951, -2.4285922050, 0.4505937099),
    (0.0259040371, 0.7827717662, -0.8086757660),
)  # fmt: skip


def _times(matrix: Matrix, vector: list[float]) -> list[float]:
    return [sum(one * other for one, other in zip(row, vector, strict=True)) for row in matrix]


def _light(colour: str) -> list[float]:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    return [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]


def _seen(colour: str, sight: Matrix) -> list[float]:
    light = [min(1.0, max(0.0, part)) for part in _times(sight, _light(colour))]
    return _times(LAB, [cone ** (1 / 3) for cone in _times(CONES, light)])


def _apart(one: str, other: str) -> float:
    """Give how far two colours are apart for whoever sees them least apart."""
    pairs = [zip(_seen(one, sight), _seen(other, sight), strict=True) for sight in SIGHT.values()]
    return min(sum((a - b) ** 2 for a, b in pair) ** 0.5 for pair in pairs)


def _closest_pair(colours: tuple[str, ...]) -> float:
    return min(_apart(one, other) for one, other in combinations(colours, 2))


def test_no_other_five_colours_are_farther_apart_for_everybody() -> None:
    """Of all fives of Okabe and Ito's colours ours has the best closest pair, for every kind of sight at once."""
    best = max(combinations(OKABE_ITO, len(COLOURS)), key=_closest_pair)
    assert sorted(best) == sorted(COLOURS)
    assert _closest_pair(COLOURS) > 0.13


def test_fewer_visitors_get_colours_that_differ_more() -> None:
    """Two visitors inside can tell their lights apart at least as well as three, and three as well as four."""
    apart = [_closest_pair(COLOURS[:count]) for count in range(2, len(COLOURS) + 1)]
    assert apart == sorted(apart, reverse=True)
