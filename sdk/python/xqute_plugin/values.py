"""The values that host and plugin exchange. They are the contract's own types, under shorter names; errors are exceptions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from componentize_py_types import Err
from wit_world.imports import mounts as _mounts
from wit_world.imports import process as _process
from wit_world.imports import types as _types

if TYPE_CHECKING:
    from wit_world.exports.observer import JobFact

Job = _types.Job
JobRef = _types.JobRef
Mount = _mounts.Mount
Mounted = _mounts.Mounted
Path = _types.Path
RunInfo = _types.RunInfo
Argv = _types.Command_Argv
Shell = _types.Command_Shell


class FailureCause:
    """Why an attempt failed. Look at it with `match`: `case FailureCause.ExitCode(code):`."""

    ExitCode = _types.FailureCause_ExitCode
    Signal = _types.FailureCause_Signal
    TimedOut = _types.FailureCause_TimedOut
    OutOfMemory = _types.FailureCause_OutOfMemory
    Preempted = _types.FailureCause_Preempted
    NodeFailure = _types.FailureCause_NodeFailure
    NeverStarted = _types.FailureCause_NeverStarted
    Lost = _types.FailureCause_Lost
    SubmissionFailed = _types.FailureCause_SubmissionFailed
    Other = _types.FailureCause_Other


class Observation:
    """What a backend says about an attempt. `Unknown`: it gave no answer, which does not mean that the job is gone."""

    Queued = _types.Observation_Queued
    Running = _types.Observation_Running
    Succeeded = _types.Observation_Succeeded
    Failed = _types.Observation_Failed
    Cancelled = _types.Observation_Cancelled
    Unknown = _types.Observation_Unknown


@dataclass
class Wrapping:
    """What a backend wants to see at the top of a job's script."""

    directives: list[str] = field(default_factory=list)
    """Lines that start with `#`."""
    shebang: str | None = None
    """The bash that runs it, if not the usual one, without `#!`."""


class Output(_process.Output):
    """What a program left."""

    @property
    def code(self) -> int:
        """Its exit code, or minus the signal that ended it."""
        match self.exit:
            case _process.Exit_Signal(number):
                return -number
            case other:
                return other.value

    @property
    def text(self) -> str:
        """Its standard output; what is not UTF-8 shows up as U+FFFD."""
        return self.stdout.decode(errors="replace")

    @property
    def error_text(self) -> str:
        """Its standard error; what is not UTF-8 shows up as U+FFFD."""
        return self.stderr.decode(errors="replace")


class Error(Exception):
    """Why a call failed; the class says what the host will do. This one: the attempt fails, and is not tried again."""

    _case = _types.Error_Other

    @property
    def payload(self):
        return str(self)


class Denied(Error):
    """A right is missing. The user is told which flag would grant it."""

    _case = _types.Error_Denied


class RateLimited(Error):
    """The backend asks for patience; with the milliseconds to wait, if it says so. Tried again."""

    _case = _types.Error_RateLimited

    def __init__(self, milliseconds: int | None = None):
        super().__init__("the backend asks for patience")
        self.payload = milliseconds

    payload = None


class Unavailable(Error):
    """The backend cannot be reached just now. Tried again; no job fails because of it."""

    _case = _types.Error_Unavailable


class Rejected(Error):
    """The backend refused this very request: the attempt fails with this text."""

    _case = _types.Error_Rejected


class InvalidOptions(Error):
    """An option is unknown or has a bad value. The run does not start, or the attempt fails."""

    _case = _types.Error_InvalidOptions


_KINDS = {kind._case: kind for kind in (Error, Denied, RateLimited, Unavailable, Rejected, InvalidOptions)}


def to_contract(error: Error):
    """The error as the host wants it."""
    return Err(error._case(error.payload))


def from_contract(error: Err) -> Error:
    """The error as a plugin wants it."""
    return _KINDS[type(error.value)](error.value.value)


def values(options: list[tuple[str, str]], name: str) -> list[str]:
    """All values that were given for an option, in order. `-` and `_` in names are the same."""
    name = name.replace("_", "-")
    return [text for key, text in options if key.replace("_", "-") == name]


def value(options: list[tuple[str, str]], name: str, default: str | None = None) -> str | None:
    """The value of an option. The last one counts."""
    return (values(options, name) or [default])[-1]


def quote(text: str) -> str:
    """Quotes a text for bash: it arrives as one word, exactly as it is, whatever is in it."""
    return "'" + text.replace("'", "'\\''") + "'"


def command_line(job: Job) -> str:
    """The command as one would type it. For people and decisions; the job's script is what runs."""
    match job.command:
        case Shell(line):
            return line
        case Argv(words):
            return command_words(words)


def cause_text(cause) -> str:
    """Why an attempt failed, in a few words for users."""
    match cause:
        case FailureCause.ExitCode(code):
            return f"exit code {code}"
        case FailureCause.Signal(number):
            return f"signal {number}"
        case FailureCause.NeverStarted(why):
            return f"never started: {why}"
        case FailureCause.SubmissionFailed(why):
            return f"submission failed: {why}"
        case FailureCause.Other(why):
            return why
    return _CAUSES[type(cause)]


_CAUSES = {
    FailureCause.TimedOut: "timed out",
    FailureCause.OutOfMemory: "out of memory",
    FailureCause.Preempted: "preempted",
    FailureCause.NodeFailure: "the machine failed",
    FailureCause.Lost: "lost",
}


def command_words(words: list[str]) -> str:
    """A program and its arguments as one would type them."""
    return " ".join(word if _is_plain(word) else quote(word) for word in words)


def _is_plain(word: str) -> bool:
    return word != "" and all(c.isascii() and (c.isalnum() or c in "%+,-./:=@_") for c in word)
