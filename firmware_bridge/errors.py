"""Errors of the wire, the device program and the server's bridge."""

from __future__ import annotations

from kernel.errors import (
    AccessError,
    ConflictError,
    InputError,
    LimitError,
    NotFoundError,
    UnavailableError,
)


class PayloadError(InputError):
    """A message's bytes are not an acceptable JSON object; ``reason`` says why in one word."""

    code = "payload"
    remedy = "docs/devices/protocol.md lists sizes, depth and numbers that a message may have."

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message, reason=reason)
        self.reason = reason


class PayloadTooLargeError(LimitError):
    """A message is longer than the wire accepts."""

    code = "payload_too_large"
    remedy = "Split the fact into several events."


class SignatureError(AccessError):
    """A message is unsigned, signed with another key, edited, or was sent under another topic."""

    code = "signature"
    remedy = "Check that device and server hold the same key; if they do, somebody else wrote this message."


class TopicError(InputError):
    """A topic or one of its parts has a form the protocol does not know."""

    code = "topic"
    remedy = "Areas and device ids are 3 to 32 lower-case letters, digits and hyphens."


class PersonalDataError(InputError):
    """A message would carry a name, phone, address or code."""

    code = "personal_data"
    remedy = "Send an id or a masked form; names, phones, addresses and codes never travel."


class EventBodyError(InputError):
    """An event of a known type lacks what its type needs."""

    code = "event_body"
    remedy = "docs/reference/messages.md lists the fields of each event type."


class BrokerMissingError(UnavailableError):
    """No broker program is on this machine."""

    code = "broker_missing"
    remedy = "Install mosquitto (Debian package mosquitto) or name a broker with broker_url."


class BrokerStartError(UnavailableError):
    """The broker was started but does not answer."""

    code = "broker_start"
    remedy = "Look at the broker's log named in the message; the port may be in use."


class BrokerUrlError(InputError):
    """A broker's address cannot be used."""

    code = "broker_url"
    remedy = "Write mqtt://host:port or mqtts://host:port."


class BrokerForeignError(ConflictError):
    """Accounts of a broker that Cunda did not start cannot be managed by it."""

    code = "broker_foreign"
    remedy = "Make the account in that broker; docs/devices/protocol.md lists the topics it needs."


class UnknownDeviceError(NotFoundError):
    """No device has this id."""

    code = "unknown_device"
    remedy = "Enrol the device first."


class DeviceEnrolledError(ConflictError):
    """A device with this id is enrolled already."""

    code = "device_enrolled"
    remedy = "Revoke it first, or choose another id."


class AgentConfigError(InputError):
    """The agent's configuration file cannot be used."""

    code = "agent_config"
    remedy = "docs/devices/protocol.md shows a complete agent.toml."


class OutboxFullError(LimitError):
    """The device's disk is full; nothing new can be recorded."""

    code = "outbox_full"
    remedy = "Collection goes on; deposits resume when the backlog has been sent and space is free."


class UnknownDeadLetterError(NotFoundError):
    """No dead letter with this number can be replayed."""

    code = "unknown_dead_letter"
    remedy = "List the dead letters; unsigned messages are never replayed."


class DuplicateEventError(ConflictError):
    """An event id is stored already, under another number of its device or of another one."""

    code = "duplicate_event"
    remedy = "Nothing is lost: the first copy counts. Look for a cloned device or a restored backup."


class ForkError(ConflictError):
    """A device's number holds another event already."""

    code = "fork"
    remedy = "Find out which of the two devices is the real one; the second copy is among the dead letters."


class BoardSettingsError(InputError):
    """A lock board's address, lock number or pulse cannot be."""

    code = "board_settings"
    remedy = "Correct the board's settings as commissioning found them."


class BusError(UnavailableError):
    """The serial line to the lock boards does not work."""

    code = "bus"
    remedy = "Check the adapter, its device name and its cable."


class KioskStepError(InputError):
    """A kiosk's screen asks for something that is no step, or tells it wrongly."""

    code = "kiosk_step"
    remedy = "docs/devices/kiosk.md lists the steps and what each needs."


class CommandError(InputError):
    """A command cannot be issued or resolved as asked."""

    code = "command"
    remedy = "Name one box, who wants it and why; it lives 120 s at most."


class UnknownCommandError(NotFoundError):
    """No command has this id."""

    code = "unknown_command"


class AuthorityError(UnavailableError):
    """The certificate authority cannot be used, or is asked for a name it does not sign."""

    code = "authority"
    remedy = "Restore the folder pki from a backup; without it every device must be enrolled again."


class BrokerExposedError(InputError):
    """A broker would listen beyond this machine without TLS."""

    code = "broker_exposed"
    remedy = "Install mosquitto (Debian package mosquitto) and name the broker's hosts, or stay on loopback."


class EnrolmentCodeError(AccessError):
    """A one-time enrolment code is unknown, used, replaced or too old; which of them is not told."""

    code = "enrolment_code"
    remedy = "Ask for a new one with `cunda device enrol`."


class EnrolmentError(UnavailableError):
    """A device could not fetch its credentials."""

    code = "enrolment"
    remedy = "Check address and code; a code serves once, `cunda device enrol` or `rotate` makes another."


class DeviceLockedError(ConflictError):
    """Two devices answer to one name: nothing is opened from afar until a person has decided."""

    code = "device_locked"
    remedy = "Find the real one, give it new credentials with `cunda device rotate`, then `cunda device settle`."


class DeviceSettingsError(InputError):
    """Settings for a device have a name or value that no device takes."""

    code = "device_settings"
    remedy = "docs/devices/fleet.md lists the settings."


class LocalListError(InputError):
    """A local authorisation list cannot be as asked."""

    code = "local_list"
    remedy = "A list has at most 200 lines, each with a name, a box and an end before the list's own."


class ReleaseError(InputError):
    """A release cannot be added, or its number is in use for another archive."""

    code = "release"
    remedy = "Give a wheel or zip of the device program of at most 64 MiB and a new version."


class UnknownReleaseError(NotFoundError):
    """No release has this version or digest."""

    code = "unknown_release"


class RolloutError(ConflictError):
    """A rollout cannot be started or ended as asked."""

    code = "rollout"
    remedy = (
        "One rollout runs in a region at a time, its stages rise to 100 percent, and only a running one can be ended."
    )


class UnknownRolloutError(NotFoundError):
    """No rollout has this number."""

    code = "unknown_rollout"


class UnknownAlarmError(NotFoundError):
    """A device has no open alarm with this number."""

    code = "unknown_alarm"
