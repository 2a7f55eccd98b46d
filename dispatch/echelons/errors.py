"""What can be wrong with a county's two echelons.

::

    InvalidModelError (kernel)
    └── EchelonModelError              depots, trunk runs or demand contradict each other
        ├── DepotUnreachableError      no trunk run gets from the county centre to a township depot
        ├── EchelonCapacityError       the freight of the day exceeds the trunk runs or the couriers' vehicles
        └── CutOffError                the line-haul cut-off lies before anything could be back
    InvalidFileError (kernel)
    └── EchelonFileError               a file of township depots and trunk runs cannot be used
    InternalError (kernel)
    └── EchelonPlanRejectedError       the independent checker refuses a plan
"""

from __future__ import annotations

from kernel.errors import InternalError, InvalidFileError, InvalidModelError


class EchelonModelError(InvalidModelError):
    """Depots, trunk runs or demand contradict each other."""

    code = "echelon_model"
    remedy = "Correct the object and field named in the message."


class DepotUnreachableError(EchelonModelError):
    """No trunk run gets from the county centre to a township depot and back."""

    code = "echelon_depot_unreachable"
    remedy = "Close the depot, move it to a road, or add a timetabled run that calls there."


class EchelonCapacityError(EchelonModelError):
    """The freight of the day exceeds what trunk runs or the couriers' vehicles can carry."""

    code = "echelon_capacity"
    remedy = "Add a trunk run or a vehicle, or open a depot that has room."


class CutOffError(EchelonModelError):
    """The line-haul cut-off lies before anything could be back at the county centre."""

    code = "echelon_cut_off"
    remedy = "Move the cut-off, or let the collections go with the next day's line-haul."


class EchelonFileError(InvalidFileError):
    """A file of township depots and trunk runs cannot be used."""

    code = "echelon_file"
    remedy = "docs/echelons.md shows the form of the file; correct the entry named in the message."


class EchelonPlanRejectedError(InternalError):
    """The independent checker refuses a two-echelon plan; nothing was kept."""

    code = "echelon_plan_rejected"
    remedy = "Report it with the problem's file; the search and the checker disagree."
