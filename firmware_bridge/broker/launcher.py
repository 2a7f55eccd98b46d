"""Start, watch and stop a broker of our own, or speak of a foreign one.

Everything a broker needs lies in one folder: configuration, password file, access list, log and
``broker.json`` with its process id, so that another program (``cunda device enrol`` beside
``cunda broker``) can add accounts to the running one.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Final, Literal

from firmware_bridge.broker.accounts import (
    CONTROL_USER,
    SERVER_USER,
    Account,
    acl_file,
    hash_password,
    password_file,
    read_password_file,
)
from firmware_bridge.broker.mosquitto import (
    CONTROL_SOCKET,
    DROP_LINE,
    TlsListener,
    configuration,
    find_mosquitto,
)
from firmware_bridge.endpoint import BrokerAddress, Profile
from firmware_bridge.errors import (
    BrokerExposedError,
    BrokerForeignError,
    BrokerMissingError,
    BrokerStartError,
)
from firmware_bridge.pki.authority import Authority
from kernel.settings import keep_secret

Kind = Literal["mosquitto", "amqtt", "foreign"]
_READY_S: Final = 15.0
_KICK_S: Final = 2.0
_KICK_PAUSES_S: Final = (0.2, 0.8)
_STOP_S: Final = 5.0
_DESCRIPTORS: Final = 65_536  # of the broker, if the machine allows: silent strangers must not use up the usual 1024

LACKS: Final[dict[Kind, tuple[str, ...]]] = {
    "mosquitto": (),
    "amqtt": (
        "no TLS: nobody from another machine can come in",
        "no MQTT 5: message expiry and shared subscriptions are not used",
        "nothing survives its restart (outboxes make up for it)",
        "a fraction of mosquitto's speed; for trials on one machine, not for service",
    ),
    "foreign": ("accounts and limits of this broker are managed elsewhere",),
}
"""What each kind of broker cannot do, in sentences for the operator."""
_IN_CLEAR: Final = "passwords travel to it in the clear: give it an mqtts:// address"


class RunningBroker:
    """A broker that answers.

    Use :func:`launch` to make one. :meth:`stop` ends what we started and leaves a foreign broker alone.
    ``address`` is for programs on this machine, ``public`` for devices elsewhere if any can come in.
    """

    def __init__(
        self,
        kind: Kind,
        address: BrokerAddress,
        folder: Path | None = None,
        process: subprocess.Popen[bytes] | None = None,
        public: BrokerAddress | None = None,
    ) -> None:
        self.kind = kind
        self.address = address
        self.public = public
        self.folder = folder
        self._process = process

    @property
    def lacks(self) -> tuple[str, ...]:
        """Return what this broker cannot do, to be printed at the start."""
        in_clear = self.kind == "foreign" and not self.address.tls and not is_loopback(self.address.host)
        return (*LACKS[self.kind], *((_IN_CLEAR,) if in_clear else ()))

    @property
    def profile(self) -> Profile:
        """Return the version of MQTT to speak with this broker; asking amqtt for 5 only costs time."""
        return Profile.V311 if self.kind == "amqtt" else Profile.AUTO

    @property
    def pid(self) -> int | None:
        """Return the process we started, if we did."""
        return self._process.pid if self._process else None

    def alive(self) -> bool:
        """Tell whether the broker answers an MQTT connection now."""
        return answers(self.address)

    def set_accounts(self, accounts: list[Account]) -> None:
        """Replace the accounts of the running broker; connections of accounts that are gone end.

        Raises
        ------
        BrokerForeignError
            If we did not start this broker.
        """
        if self.folder is None:
            raise BrokerForeignError(f"the broker at {self.address.url} was not started by Cunda")
        ended = write_accounts(self.folder, accounts)
        signal_reload(self.folder)
        if self.public is not None and ended:
            # The signal ends connections that came in by password; those that came in by certificate stay. Twice,
            # for the broker reads its files a little later, and a quick one may be back by then.
            for pause_s in _KICK_PAUSES_S:
                time.sleep(pause_s)
                end_connections(self.folder, ended)

    def dropped_lines(self) -> list[str]:
        """Return log lines that tell of dropped messages; there must be none."""
        log = self.folder / "broker.log" if self.folder else None
        if log is None or not log.exists():
            return []
        return [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if DROP_LINE in line]

    def stop(self) -> None:
        """Ask the broker to end and wait for it; after some seconds it is killed."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._forget()

    def kill(self) -> None:
        """End the broker as a power cut would (SIGKILL), for trials of what survives."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._forget()

    def _forget(self) -> None:
        if self.folder is not None:
            (self.folder / "broker.json").unlink(missing_ok=True)
        self._process = None


def launch(
    folder: Path,
    accounts: list[Account],
    *,
    port: int = 0,
    kind: Literal["auto", "mosquitto", "amqtt"] = "auto",
    persistence: bool = True,
    max_queued: int = 100_000,
    tls: TlsListener | None = None,
) -> RunningBroker:
    """Start a broker and wait until it answers.

    On loopback it takes passwords; from elsewhere it is reached by ``tls`` only.

    Parameters
    ----------
    folder
        Kept readable by its owner only.
    accounts
        Who may connect.
    port
        0 takes a free one.
    kind
        ``auto`` takes mosquitto when it is on the machine, else amqtt.
    tls
        Where devices come in from other machines, see :func:`tls_listener`; nobody can when omitted.

    Raises
    ------
    BrokerExposedError
        If devices are to come in from elsewhere and only amqtt is there.
    BrokerMissingError
        If the wanted program is not installed.
    BrokerStartError
        If it does not answer within 15 s, or the port is in use.
    """
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    _end_leftover(folder)
    address = BrokerAddress("127.0.0.1", port or _free_port())
    if answers(address):
        raise BrokerStartError(f"something else listens on port {address.port}", port=address.port)
    write_accounts(folder, accounts)
    chosen, command = _command(folder, address.port, kind, persistence, max_queued, tls)
    with (folder / "broker.out").open("ab") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=folder)
    _allow_descriptors(process.pid)
    public = BrokerAddress(tls.names[0], tls.port, tls=True) if tls is not None else None
    record = {"pid": process.pid, "kind": chosen, "port": address.port, "public": public.url if public else None}
    _write(folder / "broker.json", json.dumps(record))
    broker = RunningBroker(chosen, address, folder, process, public)
    deadline = time.monotonic() + _READY_S
    while not answers(address):
        if process.poll() is not None or time.monotonic() > deadline:
            broker.stop()
            raise BrokerStartError(f"{chosen} does not answer on port {address.port}; see {folder}", kind=chosen)
        time.sleep(0.05)
    return broker


def tls_listener(host: str, port: int, names: Sequence[str], authority: Authority) -> TlsListener | None:
    """Describe where devices come in from other machines; None when nobody does.

    Parameters
    ----------
    host, port
        Where to listen; port 0 takes a free one.
    names
        What devices call this broker; none means loopback only.

    Raises
    ------
    BrokerExposedError
        If it would listen beyond loopback without names to certify, that is without TLS.
    """
    if not names:
        if not is_loopback(host):
            raise BrokerExposedError(f"{host} is not loopback and no name is given to certify", host=host)
        return None
    return TlsListener(host, port or _free_port(), tuple(names), authority.broker_files(names))


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach an address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def foreign(url: str) -> RunningBroker:
    """Speak of a broker that somebody else runs.

    Raises
    ------
    BrokerUrlError
        If the address is malformed.
    """
    return RunningBroker("foreign", BrokerAddress.parse(url))


def running_in(folder: Path) -> RunningBroker | None:
    """Find the broker that another program of ours runs from this folder, if it does."""
    found = _recorded(folder)
    if found is None:
        return None
    public = BrokerAddress.parse(found.public) if found.public else None
    return RunningBroker(found.kind, BrokerAddress("127.0.0.1", found.port), folder, public=public)


def write_accounts(folder: Path, accounts: list[Account]) -> list[str]:
    """Write password file and access list, each in one step, readable by their owner only.

    Returns
    -------
    Users whose account ended or got another password.
    """
    passwords = folder / "passwords"
    before = read_password_file(passwords.read_text(encoding="ascii")) if passwords.exists() else {}
    control = Account(CONTROL_USER, before.get(CONTROL_USER) or hash_password(_control_password(folder)))
    now = {account.username: account.password_hash for account in (*accounts, control)}
    _write(folder / "acl", acl_file())
    _write(passwords, password_file([*accounts, control]))
    # The server's hash is new each time, its password is not.
    return [user for user, hashed in before.items() if now.get(user) != hashed and user != SERVER_USER]


def end_connections(folder: Path, users: Iterable[str]) -> None:
    """End the connections of some users by taking their sessions over; what was queued for them is gone too.

    A user without a connection costs nothing. The broker refuses them a new one by their account or certificate.
    """
    for user in users:
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(_KICK_S)
            try:
                _connect_control(link, folder)
                link.sendall(_connect_packet(user, CONTROL_USER, _control_password(folder)))
                link.recv(4)
                link.sendall(b"\xe0\x00")  # DISCONNECT
            except OSError:
                return  # it does not run: nobody is connected


def _connect_control(link: socket.socket, folder: Path) -> None:
    # By way of the folder's descriptor: the path of a socket may have 107 characters only.
    at = os.open(folder, os.O_RDONLY)
    try:
        link.connect(f"/proc/self/fd/{at}/{CONTROL_SOCKET}")
    finally:
        os.close(at)


def _connect_packet(client_id: str, user: str, password: str) -> bytes:
    """Write a CONNECT of MQTT 3.1.1 with clean session; all texts are short."""
    texts = b"".join(len(text).to_bytes(2, "big") + text.encode() for text in (client_id, user, password))
    variable = b"\x00\x04MQTT\x04\xc2\x00\x05" + texts
    assert len(variable) < 128  # one byte of length is enough
    return b"\x10" + bytes((len(variable),)) + variable


def _control_password(folder: Path) -> str:
    return keep_secret(folder / "control.secret")


def _allow_descriptors(pid: int) -> None:
    _, most = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (min(_DESCRIPTORS, most), most))


def signal_reload(folder: Path) -> bool:
    """Ask the broker of this folder to read its accounts again; False when none runs."""
    found = _recorded(folder)
    if found is None:
        return False
    os.kill(found.pid, signal.SIGHUP)
    return True


def answers(address: BrokerAddress, timeout_s: float = 1.0) -> bool:
    """Tell whether an MQTT broker answers there; it may well refuse us."""
    # CONNECT of MQTT 3.1.1 with clean session, keep-alive 5 s and the client id "probe", without a user.
    connect = b"\x10\x11\x00\x04MQTT\x04\x02\x00\x05\x00\x05probe"
    try:
        with socket.create_connection((address.host, address.port), timeout_s) as link:
            link.settimeout(timeout_s)
            if address.tls:
                return True
            link.sendall(connect)
            return link.recv(4)[:1] == b"\x20"
    except OSError:
        return False


def _command(
    folder: Path, port: int, kind: str, persistence: bool, max_queued: int, tls: TlsListener | None
) -> tuple[Kind, list[str]]:
    program = find_mosquitto() if kind != "amqtt" else None
    if program is not None:
        text = configuration(
            folder, port, persistence=persistence, max_queued=max_queued, as_root=os.getuid() == 0, tls=tls
        )
        _write(folder / "mosquitto.conf", text)
        return "mosquitto", [str(program), "-c", str(folder / "mosquitto.conf")]
    if kind == "mosquitto":
        raise BrokerMissingError("mosquitto is not on this machine", program="mosquitto")
    if tls is not None:
        raise BrokerExposedError("amqtt has no TLS of ours and stays on loopback", host=tls.host)
    return "amqtt", [sys.executable, "-m", "firmware_bridge.broker.amqtt_child", str(folder), str(port)]


@dataclass(frozen=True)
class _Record:
    pid: int
    kind: Kind
    port: int
    public: str | None = None


def _recorded(folder: Path) -> _Record | None:
    """Return what broker.json says, if that very process still runs."""
    try:
        found = _Record(**json.loads((folder / "broker.json").read_text(encoding="ascii")))
        command = Path(f"/proc/{found.pid}/cmdline").read_bytes()
    except (OSError, ValueError, TypeError):
        return None
    return found if str(folder).encode() in command else None


def _end_leftover(folder: Path) -> None:
    # A program of ours that was killed leaves its broker behind; the folder can have one only.
    found = _recorded(folder)
    if found is None:
        return
    os.kill(found.pid, signal.SIGTERM)
    for _ in range(100):
        if _recorded(folder) is None:
            return
        time.sleep(0.05)
    raise BrokerStartError(f"an earlier broker (process {found.pid}) does not end", pid=found.pid)


def _write(path: Path, text: str) -> None:
    draft = path.with_name(path.name + ".new")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    draft.replace(path)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
