"""Every error Cunda raises on purpose.

The families; each room adds leaves to them in its own ``errors`` module::

    CundaError
    ├── InputError           400  what was given is wrong; the message says where
    │   ├── InvalidFileError 422  a file as a whole cannot be used
    │   └── InvalidModelError 422 a planning problem contradicts itself
    ├── AccessError          403  known, but not allowed
    │   └── LoginError       401  not known
    ├── NotFoundError        404  no such thing, or not yours
    ├── ConflictError        409  true in itself, but not in this state
    │   └── StaleError       412  somebody changed it since you read it
    ├── PreconditionError    428  a required condition header is missing
    ├── LimitError           413  larger than we accept
    │   └── BusyError        429  more often than we accept
    ├── UnavailableError     503  something we need does not answer
    └── InternalError        500  our own mistake

The complete tree with remedies is printed into ``docs/reference/errors.md``.
"""

from __future__ import annotations

from typing import Any, ClassVar

_REGISTRY: dict[str, type[CundaError]] = {}


class CundaError(Exception):
    """Base of all errors that carry a stable code, an HTTP status and a remedy.

    Parameters
    ----------
    message
        What happened, naming the object and the field.
    remedy
        What the reader can do about it; the class's own remedy when omitted.
    params
        Machine-readable details. A screen translates ``code`` and ``params``, never ``message``.

    Notes
    -----
    A subclass states ``code``, and where it differs from its family ``status`` and ``remedy``. Codes
    are unique over the whole program; a second class with the same code fails at import.
    """

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 500
    remedy: str = "Look at the server's log for this request."

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "code" not in cls.__dict__:
            raise TypeError(f"{cls.__name__} needs a code of its own")
        known = _REGISTRY.get(cls.code)
        if known is not None and known.__qualname__ != cls.__qualname__:
            raise TypeError(f"error code {cls.code!r} is taken by {known.__qualname__}")
        _REGISTRY[cls.code] = cls

    def __init__(self, message: str, *, remedy: str | None = None, **params: Any) -> None:
        super().__init__(message)
        self.message = message
        self.params = params
        if remedy is not None:
            self.remedy = remedy

    def as_dict(self) -> dict[str, Any]:
        """Return code, message, remedy and params, ready for JSON."""
        return {"code": self.code, "message": self.message, "remedy": self.remedy, "params": self.params}


class InputError(CundaError):
    """What was given is wrong."""

    code = "input"
    status = 400
    remedy = "Correct the value named in the message and send it again."


class InvalidFileError(InputError):
    """A file as a whole cannot be used."""

    code = "invalid_file"
    status = 422
    remedy = "Check that the file is what its name says, then send it again."


class InvalidModelError(InputError):
    """A planning problem contradicts itself."""

    code = "invalid_model"
    status = 422


class AccessError(CundaError):
    """The caller is known but may not do this."""

    code = "access"
    status = 403
    remedy = "Ask an administrator for the role this needs."


class LoginError(AccessError):
    """The caller is not known."""

    code = "login"
    status = 401
    remedy = "Log in again."


class NotFoundError(CundaError):
    """There is no such thing, or it is not the caller's."""

    code = "not_found"
    status = 404
    remedy = "Check the name or id; a list call shows what there is."


class ConflictError(CundaError):
    """The request makes sense, but not in the present state."""

    code = "conflict"
    status = 409
    remedy = "Read the present state, then decide again."


class StaleError(ConflictError):
    """The thing was changed since the caller read it."""

    code = "stale"
    status = 412
    remedy = "Fetch it again, look at the difference and repeat the change."


class PreconditionError(CundaError):
    """A required condition, such as an If-Match header, is missing."""

    code = "precondition_required"
    status = 428
    remedy = "Send the ETag you read in an If-Match header."


class LimitError(CundaError):
    """Larger than we accept."""

    code = "limit"
    status = 413
    remedy = "Split it into smaller parts."


class BusyError(LimitError):
    """More often than we accept."""

    code = "busy"
    status = 429
    remedy = "Wait as long as Retry-After says."


class UnavailableError(CundaError):
    """Something we need (database, broker, road service) does not answer."""

    code = "unavailable"
    status = 503
    remedy = "Run `cunda doctor` to see what is missing."


class InternalError(CundaError):
    """Our own mistake."""

    code = "internal"
    status = 500
    remedy = "Report it with the request id; nothing was changed."


def registered_errors() -> dict[str, type[CundaError]]:
    """Return every error class by its code, for the API description and the reference page."""
    return dict(sorted(_REGISTRY.items()))
