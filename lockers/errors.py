"""Errors of kiosks, stations and cabinets."""

from __future__ import annotations

from kernel.errors import ConflictError, InputError, NotFoundError


class UnknownSiteError(NotFoundError):
    """No site has this id."""

    code = "unknown_site"
    remedy = "List the region's sites; an id is 3 to 32 lower-case letters, digits and hyphens."


class SiteExistsError(ConflictError):
    """A site with this id is registered already."""

    code = "site_exists"
    remedy = "Choose another id, or change the registered site."


class InvalidSiteError(InputError):
    """A site's registration contradicts itself."""

    code = "invalid_site"


class InvalidDropOffError(InputError):
    """A drop-off cannot be what its description says."""

    code = "invalid_drop_off"


class ImpossibleStepError(ConflictError):
    """Something cannot happen in the present state."""

    code = "impossible_step"
    remedy = "Look at the present state; docs/devices/lockers.md lists what can follow it."


class CodeFormError(InputError):
    """A code or its key does not have the form it must have."""

    code = "code_form"
    remedy = "Codes have eight digits, keys 32 bytes."


class RetentionRulesError(InputError):
    """A policy for waiting parcels contradicts itself."""

    code = "retention_rules"
    remedy = "Charge nothing within the promised time, and let reminder, call and return follow one another."


class KioskRefusedError(ConflictError):
    """The kiosk cannot begin, or go on with, a sending session."""

    code = "kiosk_refused"
    remedy = "The reason says what hinders it; the nearest kiosk may do."


class SitingStudyNotFoundError(NotFoundError):
    """There is no siting study of this id."""

    code = "siting_study_not_found"
    remedy = "List the studies of the region; ids are as they were answered."
