"""The supervisor: keeps the device program running, and takes an update back that is not well.

It stays small and takes nothing but the standard library: it must outlive every program that it starts, and runs from
the installed version whatever was updated since.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, NoReturn

from firmware_bridge.device.slots import Slots, SlotsState

#: Exit code of a program that wants to be started again at once, because another release waits.
EXIT_RESTART = 75


class Patience(NamedTuple):
    """How long the supervisor waits for what, seconds.

    Parameters
    ----------
    trial_s
        Within this time a new release must have proved itself.
    starts
        So often it may end before that.
    end_s
        So long a program may take to end in order.
    """

    trial_s: float = 180.0
    starts: int = 3
    end_s: float = 20.0
    again_s: float = 1.0
    again_most_s: float = 60.0


class Supervisor:
    """Starts the program again and again until told to stop.

    Parameters
    ----------
    command
        The program and its arguments; ``--release`` is added for one from a place.
    """

    def __init__(self, command: Sequence[str], slots: Slots, patience: Patience = Patience()) -> None:  # noqa: B008 - immutable
        self._command = list(command)
        self._slots = slots
        self._patience = patience
        self._stop = threading.Event()
        self._pause_s = patience.again_s

    def stop(self) -> None:
        """End the program in order, and then the supervisor."""
        self._stop.set()

    def run(self) -> None:
        """Work until told to stop."""
        while not self._stop.is_set():
            state = self._slots.read()
            if state.trial and self._slots.count_start() > self._patience.starts:
                self._take_back(f"it ended {self._patience.starts} times before it was well")
                continue
            started_s = time.monotonic()
            code = self._run_once(state)
            if self._stop.is_set():
                return
            _say(f"the program ended with {code}")
            steady = time.monotonic() - started_s > self._patience.again_most_s
            if code == EXIT_RESTART or steady:
                self._pause_s = self._patience.again_s
            if code != EXIT_RESTART:
                self._stop.wait(self._pause_s)
                self._pause_s = min(self._pause_s * 2, self._patience.again_most_s)

    def _run_once(self, state: SlotsState) -> int:
        place = self._slots.path(state)
        environment = dict(os.environ)
        release: list[str] = []
        if place is not None:
            environment["PYTHONPATH"] = str(place)
            release = ["--release", self._slots.release(state) or "?"]
        # The pipe tells the program that nobody watches it any more: it ends with us, even when we are killed.
        program = subprocess.Popen([*self._command, *release], env=environment, stdin=subprocess.PIPE)
        try:
            return self._watch(program, state)
        finally:
            if program.stdin is not None:
                program.stdin.close()

    def _watch(self, program: subprocess.Popen[bytes], state: SlotsState) -> int:
        until_s = time.monotonic() + self._patience.trial_s
        while program.poll() is None:
            if self._stop.wait(0.1):
                return self._end(program)
            if state.trial and time.monotonic() > until_s and self._slots.read().trial:
                self._end(program)
                self._take_back(f"it was not well within {self._patience.trial_s:g} s")
                return EXIT_RESTART
        return program.returncode

    def _end(self, program: subprocess.Popen[bytes]) -> int:
        program.send_signal(signal.SIGTERM)
        try:
            return program.wait(self._patience.end_s)
        except subprocess.TimeoutExpired:
            program.kill()
            return program.wait()

    def _take_back(self, why: str) -> None:
        _say(f"the new release is taken back: {why}")
        self._slots.roll_back(why)


def become_supervisor(config: Path, slots_folder: Path, log_level: str, trial_s: float) -> NoReturn:
    """Replace this process, whatever it has imported, by a small one that supervises; its number stays."""
    sys.stdout.flush()
    arguments = [str(config), str(slots_folder), log_level, str(trial_s)]
    os.execv(  # noqa: S606 - our own interpreter and module, no shell
        sys.executable, [sys.executable, "-P", "-m", "firmware_bridge.device.supervisor", *arguments]
    )


def main(arguments: Sequence[str]) -> int:
    """Run the device program of one configuration until SIGTERM or SIGINT."""
    config, slots_folder, log_level, trial_s = arguments
    command = [sys.executable, "-P", "-m", "firmware_bridge.device.main", "--log-level", log_level, "work", config]
    supervisor = Supervisor(command, Slots(Path(slots_folder)), Patience(trial_s=float(trial_s)))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: supervisor.stop())
    supervisor.run()
    return 0


def _say(line: str) -> None:
    sys.stderr.write(f"cunda-agent supervisor: {line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
