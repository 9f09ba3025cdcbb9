"""What a plugin may ask of the host: programs, the log, a memory that lasts, the clock, facts about the run, and what
is mounted where."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta, timezone

from componentize_py_types import Err
from wit_world.imports import clock as _clock
from wit_world.imports import key_value as _key_value
from wit_world.imports import log as _log
from wit_world.imports import mounts as _mounts
from wit_world.imports import process as _process
from wit_world.imports import run as _run

from .values import Job, Mount, Mounted, Output, Path, RunInfo, from_contract


class process:
    """Programs on the machine of the host. Each needs the right `run`, see `Plugin.runs`."""

    @staticmethod
    def run(program: str, *args: str, input: bytes = b"") -> Output:
        """Runs a program to its end. No shell is involved; the environment is the host's with `LC_ALL=C`.

        Raises `Denied` if the program was not granted; `Rejected` if it could not be started, wrote more than 16 MiB, or an
        argument has a NUL. A program that ran and failed is not an error: see `Output.code`.
        """
        try:
            output = _process.run(program, list(args), input)
        except Err as error:
            raise from_contract(error) from None
        return Output(output.exit, output.stdout, output.stderr)


class log:
    """The log of the host. A message over 8 KiB is cut."""

    @staticmethod
    def trace(message: str) -> None:
        _log.write(_log.Level.TRACE, message)

    @staticmethod
    def debug(message: str) -> None:
        _log.write(_log.Level.DEBUG, message)

    @staticmethod
    def info(message: str) -> None:
        _log.write(_log.Level.INFO, message)

    @staticmethod
    def warn(message: str) -> None:
        _log.write(_log.Level.WARN, message)

    @staticmethod
    def error(message: str) -> None:
        _log.write(_log.Level.ERROR, message)


class kv:
    """Small values that outlive the instance: what one call stores, a later call sees, in every class of the plugin."""

    @staticmethod
    def get(key: str) -> bytes | None:
        """The value of a key."""
        return _key_value.get(key)

    @staticmethod
    def text(key: str) -> str | None:
        """The value of a key, as text; what is not UTF-8 shows up as U+FFFD."""
        found = _key_value.get(key)
        return None if found is None else found.decode(errors="replace")

    @staticmethod
    def number(key: str) -> int:
        """The value of a key, as a number; 0 if it is missing or something else."""
        try:
            return int(_key_value.get(key) or b"0")
        except ValueError:
            return 0

    @staticmethod
    def set(key: str, value: bytes | str) -> None:
        """Stores a value. Raises `Rejected` for a key over 256 bytes, a value over 64 KiB, or more than 1 MiB in all."""
        try:
            _key_value.set(key, value.encode() if isinstance(value, str) else value)
        except Err as error:
            raise from_contract(error) from None

    @staticmethod
    def add(key: str, amount: int) -> int:
        """Adds to a number and returns the sum. Two instances that do it at the same time may lose one of the two."""
        total = kv.number(key) + amount
        kv.set(key, str(total))
        return total

    @staticmethod
    def remove(key: str) -> bool:
        """Removes a key; tells whether there was something to remove."""
        return _key_value.remove(key)

    @staticmethod
    def keys(prefix: str = "") -> list[str]:
        """All keys that start with this text, sorted."""
        return _key_value.keys(prefix)


class clock:
    """The run's clock."""

    @staticmethod
    def now() -> datetime:
        """The time, in UTC."""
        return datetime.fromtimestamp(_clock.now() / 1000, timezone.utc)

    @staticmethod
    def elapsed() -> timedelta:
        """The time since the run started. Never goes back."""
        return timedelta(milliseconds=_clock.elapsed())


class run:
    """What a plugin may know of its run."""

    @staticmethod
    def info() -> RunInfo:
        """Facts about the run."""
        return _run.info()

    @staticmethod
    def options() -> list[tuple[str, str]]:
        """The options that the user gave to this plugin. Look them up with `value` and `values`."""
        return _run.options()

    @staticmethod
    def job(index: int) -> Job | None:
        """One job of the run, in its latest attempt."""
        return _run.job(index)


class mounts:
    """What is mounted where for jobs: what users write is read and judged by the host, by the same rules for all schedulers.

    In native tests a `testing.Host` answers what the test says. All raise `InvalidOptions`, in words for users.
    """

    @staticmethod
    def sources(texts: list[str]) -> list[str]:
        """What is mounted by each text, in the same order: for a plugin that does not take all of it, or that has to find out
        which of it are files."""
        try:
            return _mounts.sources(texts)
        except Err as error:
            raise from_contract(error) from None

    @staticmethod
    def read(texts: list[str], *, more: Iterable[Mount] = (), root: str = "/mnt/disks", files: Iterable[str] = ()) -> Mounted:
        """Reads what users write: `SOURCE:PATH`, `SOURCE:PATH:ro`, or `NAME=SOURCE`, which is mounted at
        `ROOT/NAMED_MOUNTS/NAME` and tells jobs so in the variable `NAME`. Of `files`, which are the sources that are no
        folders, the folder is mounted, if they have a name. `more` are mounts of the plugin itself, which are judged together
        with the others."""
        try:
            return _mounts.read(texts, list(more), root, list(files))
        except Err as error:
            raise from_contract(error) from None

    @staticmethod
    def seen(mounts: list[Mount], spec: str) -> Path | None:
        """Both faces of a place of the host, or in a store; none where jobs do not see it."""
        try:
            return _mounts.seen(mounts, spec)
        except Err as error:
            raise from_contract(error) from None

    @staticmethod
    def meant(mounts: list[Mount], mounted: str) -> Path | None:
        """Both faces of an absolute path of jobs; none where nothing is mounted."""
        try:
            return _mounts.meant(mounts, mounted)
        except Err as error:
            raise from_contract(error) from None
