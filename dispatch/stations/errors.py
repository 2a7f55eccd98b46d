"""Errors of stations.

Leaves below the families of :mod:`kernel.errors`::

    InvalidFileError
    └── StationPolicyError            422  the file of station rules contradicts itself
    NotFoundError
    ├── UnknownCellError                   the site has no such compartment or shelf
    ├── UnknownCodeError                   no code has this id
    ├── UnknownPassError                   no entrance pass has this id
    ├── UnknownVisitError                  no visit has this id
    ├── UnknownDockError                   no vehicle's run has this id
    ├── UnknownCountError                  no stock-take has this id
    ├── UnknownSendingError                no sending session has this id
    ├── UnknownNoticeError                 no message has this id
    └── UnknownCollectionRunError          no emptying of a kiosk has this id
    ConflictError
    ├── DepositRefusedError                a parcel may not be deposited; all reasons are named
    ├── NoCellFreeError                    nothing free is large enough
    ├── CodeRefusedError                   the code opens nothing; why is not told
    ├── NotHereError                       the parcel does not wait at this site
    └── StationStateError                  something is not possible in the present state
    BusyError
    └── CodeLockedOutError            429  too many wrong codes
"""

from __future__ import annotations

from kernel.errors import BusyError, ConflictError, InvalidFileError, NotFoundError


class StationPolicyError(InvalidFileError):
    """The file of station rules contradicts itself."""

    code = "station_policy"
    remedy = "Correct the section and setting named in the message."


class UnknownCellError(NotFoundError):
    """The site has no compartment or shelf of this name."""

    code = "unknown_cell"


class UnknownCodeError(NotFoundError):
    """No code has this id."""

    code = "unknown_code"


class UnknownPassError(NotFoundError):
    """No entrance pass has this id."""

    code = "unknown_pass"


class UnknownVisitError(NotFoundError):
    """No visit has this id."""

    code = "unknown_visit"


class UnknownDockError(NotFoundError):
    """No vehicle's run has this id."""

    code = "unknown_dock"


class UnknownCountError(NotFoundError):
    """No stock-take has this id."""

    code = "unknown_count"


class UnknownSendingError(NotFoundError):
    """No sending session has this id."""

    code = "unknown_sending"


class UnknownNoticeError(NotFoundError):
    """No message to a recipient has this id."""

    code = "unknown_notice"


class UnknownCollectionRunError(NotFoundError):
    """No emptying of a kiosk has this id."""

    code = "unknown_collection_run"


class DepositRefusedError(ConflictError):
    """The parcel may not be deposited; every reason is named."""

    code = "deposit_refused"
    remedy = "Ask the recipient for consent, or deliver to the address; some reasons fall away with an agreement."


class NoCellFreeError(ConflictError):
    """Nothing free is large enough."""

    code = "no_cell_free"
    remedy = "Free a compartment, or use another station or the door."


class CodeRefusedError(ConflictError):
    """The code opens nothing. Whether it is wrong, used, revoked or old is recorded and not told."""

    code = "code_refused"
    remedy = "Check the eight digits and the station; the recipient can ask for a new code."


class CodeLockedOutError(BusyError):
    """Too many wrong codes at this cabinet or from this account; none is judged until the time has passed."""

    code = "code_locked_out"
    remedy = "Wait as long as Retry-After says; the keeper can hand the parcel over after an identity check."


class NotHereError(ConflictError):
    """The parcel does not wait at this site."""

    code = "parcel_not_here"
    remedy = "Search for it: the custody ledger says where it is."


class StationStateError(ConflictError):
    """Something is not possible in the present state."""

    code = "station_state"
