"""Errors of the HTTP side and of the command line."""

from __future__ import annotations

from kernel.errors import (
    AccessError,
    BusyError,
    ConflictError,
    InputError,
    InvalidModelError,
    LimitError,
    LoginError,
    NotFoundError,
    PreconditionError,
    StaleError,
    UnavailableError,
)


class InvalidRequestError(InvalidModelError):
    """The request does not have the form the API description gives."""

    code = "invalid_request"
    status = 422
    remedy = "Each entry of `errors` points at one field; docs/openapi.json has the form."


class MalformedHeaderError(InputError):
    """A request header cannot be read."""

    code = "malformed_header"
    remedy = "Send the header in the form the API description gives."


class UnknownRouteError(NotFoundError):
    """There is no such path, or it does not take this method."""

    code = "unknown_route"
    remedy = "docs/openapi.json lists every path and its methods."


class BodyTooLargeError(LimitError):
    """The request body is larger than this path accepts."""

    code = "body_too_large"


class BadCredentialsError(LoginError):
    """User name and password do not belong together."""

    code = "bad_credentials"
    remedy = "Check both; an administrator can set a new password with `cunda users passwd`."


class TokenError(LoginError):
    """The access token is missing, malformed, out of date or withdrawn."""

    code = "token"
    remedy = "Refresh the session or log in again."


class RefreshTokenError(LoginError):
    """The refresh token is unknown, out of date, withdrawn or was used before."""

    code = "refresh_token"


class TooManyLoginsError(BusyError):
    """Too many failed logins in a short time."""

    code = "too_many_logins"


class RoleError(AccessError):
    """The caller's role does not include this."""

    code = "role"


class ForeignOriginError(AccessError):
    """A page of another origin tried to act with the browser's login."""

    code = "foreign_origin"
    remedy = "Use the console served by this address, or an access token in the Authorization header."


class NoCourierError(AccessError):
    """The login is a courier's but is not linked to a courier of the fleet."""

    code = "no_courier"
    remedy = "An administrator links it with `cunda users add --courier`."


class EventConflictError(ConflictError):
    """An event of this id, or at this place of the outbox, is stored with another content."""

    code = "event_conflict"
    remedy = "Nothing was overwritten; the office looks at both."


class UserExistsError(ConflictError):
    """A user of this name exists."""

    code = "user_exists"
    remedy = "Take another name, or set a new password for the existing user."


class UnknownUserError(NotFoundError):
    """There is no user of this name."""

    code = "unknown_user"
    remedy = "`cunda users list` shows all."


class WeakPasswordError(InputError):
    """The password is too short or too long."""

    code = "weak_password"
    remedy = "Use 10 to 200 characters."


class UserFieldError(InputError):
    """A field of a user does not fit its role."""

    code = "user_field"


class CursorError(InputError):
    """The cursor was not made by this list."""

    code = "cursor"
    remedy = "Start the list again without a cursor."


class IdempotencyKeyMissingError(InputError):
    """The request acts but carries no Idempotency-Key."""

    code = "idempotency_key_missing"
    remedy = "Send a header `Idempotency-Key` with a value of your own, the same on every retry."


class IdempotencyKeyReusedError(InvalidModelError):
    """The Idempotency-Key was used before with another content."""

    code = "idempotency_key_reused"
    remedy = "Use a new key for a new request."


class IdempotencyKeyBusyError(ConflictError):
    """The first request with this Idempotency-Key is still running."""

    code = "idempotency_key_busy"
    remedy = "Wait a moment and repeat the same request."


class IfMatchMissingError(PreconditionError):
    """The change needs the ETag of what was read."""

    code = "if_match_missing"


class IfMatchStaleError(StaleError):
    """The ETag sent is not the present one."""

    code = "if_match_stale"


class UnknownOperationError(NotFoundError):
    """There is no such operation, or it is not the caller's."""

    code = "unknown_operation"


class OperationInterruptedError(UnavailableError):
    """The server stopped while the work was running."""

    code = "operation_interrupted"
    remedy = "Start it again; nothing of it was stored."


class OperationsBusyError(BusyError):
    """As much long work as this server takes is already waiting."""

    code = "operations_busy"


class DatabaseOutdatedError(UnavailableError):
    """The database is older or newer than this program."""

    code = "database_outdated"
    remedy = "Run `cunda db upgrade`, with the newest Cunda."


class WebNotBuiltError(NotFoundError):
    """The web pages are not built in this installation."""

    code = "web_not_built"
    remedy = "Build them with `scripts/build-web`."


class UsageError(InputError):
    """The command line does not make sense."""

    code = "usage"
    remedy = "`--help` behind the command shows its arguments."


class ChartError(InputError):
    """A report cannot be drawn as it was asked for."""

    code = "chart"
    remedy = "`params.known` lists the names there are; give others with --rows, --label and --value."


class DemoStepError(UnavailableError):
    """A step of the demonstration day did not hold."""

    code = "demo_step"
    remedy = "The message names the step; the server's log above has the reason."


class PortTakenError(UnavailableError):
    """Another program listens on the port."""

    code = "port_taken"
    remedy = "Stop it, or set another port; 0 takes a free one."
