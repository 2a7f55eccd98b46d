"""May this parcel go into a compartment? What stands in the way is listed, all of it.

Readings of the Chinese rules from news summaries (智能快件箱寄递服务管理办法 2019, 快递市场管理办法 2024): consent
first; not damaged, not off its weight, not fresh or valuable unless agreed. Each is a setting; a person must check
the official texts.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from lockers.compartments import Box, CompartmentSize


class DepositHindrance(StrEnum):
    """Why a parcel may not be deposited."""

    NO_CONSENT = "no_consent"
    DAMAGED = "damaged"
    WEIGHT_OFF = "weight_off"
    FRESH = "fresh"
    VALUABLE = "valuable"
    TOO_LARGE = "too_large"
    PRODUCT = "product_forbids"


@dataclass(frozen=True)
class DepositRules:
    """A region's rules.

    Parameters
    ----------
    weight_tolerance_percent, weight_tolerance_g
        A scale may differ by the larger of the two.
    valuable_from_fen
        Declared value from which a parcel counts as valuable.
    """

    consent_needed: bool = True
    weight_tolerance_percent: int = 10
    weight_tolerance_g: int = 50
    valuable_from_fen: int = 100_000


@dataclass(frozen=True)
class DepositAsked:
    """A parcel at the cabinet.

    Parameters
    ----------
    consent_reference
        Who agreed, when and through what, as a reference.
    agreement_reference
        The sender's agreement that a fresh or valuable parcel may be deposited.
    product_allows
        Whether the service product knows this channel at all.
    """

    size: CompartmentSize
    stated_weight_g: int
    weighed_g: int | None = None
    box: Box | None = None
    damaged: bool = False
    fresh: bool = False
    declared_value_fen: int = 0
    consent_reference: str | None = None
    agreement_reference: str | None = None
    product_allows: bool = True


def hindrances(asked: DepositAsked, rules: DepositRules = DepositRules()) -> tuple[DepositHindrance, ...]:
    """Return everything that stands in the way; nothing means it may be deposited."""
    agreed = asked.agreement_reference is not None
    found = {
        DepositHindrance.NO_CONSENT: rules.consent_needed and not asked.consent_reference,
        DepositHindrance.DAMAGED: asked.damaged,
        DepositHindrance.WEIGHT_OFF: _weight_off(asked, rules),
        DepositHindrance.FRESH: asked.fresh and not agreed,
        DepositHindrance.VALUABLE: asked.declared_value_fen >= rules.valuable_from_fen and not agreed,
        DepositHindrance.PRODUCT: not asked.product_allows and not agreed,
        DepositHindrance.TOO_LARGE: asked.box is not None and not asked.box.fits_into(asked.size.box),
    }
    return tuple(reason for reason, stands in found.items() if stands)


def _weight_off(asked: DepositAsked, rules: DepositRules) -> bool:
    if asked.weighed_g is None:
        return False
    allowed_g = max(asked.stated_weight_g * rules.weight_tolerance_percent // 100, rules.weight_tolerance_g)
    return abs(asked.weighed_g - asked.stated_weight_g) > allowed_g
