"""Tests a plugin natively, without a host and without WebAssembly: what the plugin asks is answered from here, and what it did
can be looked at.

    host = Host()
    host.programs["squeue"] = lambda call: prints("1 RUNNING\\n")
    MyScheduler().poll([...])
    assert str(host.calls[0]) == "squeue -h"

Making a `Host` starts afresh.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from componentize_py_types import Err
from wit_world.exports.observer import JobEvent, JobFact
from wit_world.imports import clock, key_value, log, mounts, process, run, types

from .values import Job, Mounted, Path, RunInfo, Shell, command_words


@dataclass
class Call:
    """A program that the plugin ran; `str` shows it as one would type it."""

    program: str
    args: list[str]
    stdin: bytes

    def __str__(self) -> str:
        return command_words([self.program, *self.args])


def path(text: str) -> Path:
    """A path that both sides see as the same."""
    return Path(text, text)


def prints(stdout: str) -> process.Output:
    """The answer of a program that prints this and succeeds."""
    return process.Output(process.Exit_Code(0), stdout.encode(), b"")


def fails(code: int, stderr: str) -> process.Output:
    """The answer of a program that prints this to stderr and fails."""
    return process.Output(process.Exit_Code(code), b"", stderr.encode())


def job(index: int, line: str) -> Job:
    """A job with this index and this line of bash. Everything else is as plain as can be; change what matters."""
    folder = f"/data/.xqute/{index}"
    return Job(
        index=index,
        attempt=1,
        name=f"xqute.{index}",
        command=Shell(line),
        env=[],
        cwd=None,
        dir=path(folder),
        script=path(f"{folder}/job.wrapped.local"),
        timeout_seconds=None,
        options=[],
        attributes=[],
    )


def fact(index: int, event: str, cause=None, will_retry: bool = False) -> JobFact:
    """This happened to the first attempt of a job; the event is a word like `succeeded`."""
    return JobFact(JobEvent[event.upper()], index, 1, cause, will_retry)


@dataclass
class Host:
    """The host of the tests, in use from now on."""

    programs: dict[str, Callable[[Call], process.Output]] = field(default_factory=dict)
    """The programs that exist and are granted, and what they answer."""
    options: list[tuple[str, str]] = field(default_factory=list)
    """What the user gave to the plugin."""
    jobs: dict[int, Job] = field(default_factory=dict)
    mounts: dict[str, tuple[str, Mounted]] = field(default_factory=dict)
    """What a user may write about mounts: what that mounts, and what becomes of it. The host's rules are not here."""
    places: list[Path] = field(default_factory=list)
    """The places that jobs see."""
    run: RunInfo = field(default_factory=lambda: RunInfo("0123456789abcdef", path("/data/.xqute"), "local", 4, []))
    now: int = 1_700_000_000_000
    """Milliseconds since the Unix epoch."""
    elapsed: int = 0
    """Milliseconds since the run started."""
    calls: list[Call] = field(default_factory=list)
    """The programs that the plugin ran, in order."""
    log: list[tuple[str, str]] = field(default_factory=list)
    """What the plugin wrote to the log: level and message."""
    values: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self):
        process.run = self._run
        log.write = lambda level, message: self.log.append((level.name.lower(), message))
        key_value.get = self.values.get
        key_value.set = self._set
        key_value.remove = lambda key: self.values.pop(key, None) is not None
        key_value.keys = lambda prefix: sorted(key for key in self.values if key.startswith(prefix))
        clock.now = lambda: self.now
        clock.elapsed = lambda: self.elapsed
        run.info = lambda: self.run
        run.options = lambda: self.options
        run.job = self.jobs.get
        mounts.sources = lambda texts: [self._mount(text)[0] for text in texts]
        mounts.read = self._mounted
        mounts.seen = lambda _, spec: next((path for path in self.places if path.spec == spec), None)
        mounts.meant = lambda _, mounted: next((path for path in self.places if path.mounted == mounted), None)

    @property
    def log_text(self) -> str:
        """The messages that the plugin wrote to the log, one a line."""
        return "".join(f"{message}\n" for _, message in self.log)

    def _run(self, program: str, args: list[str], stdin: bytes) -> process.Output:
        call = Call(program, args, stdin)
        self.calls.append(call)
        if program not in self.programs:
            raise Err(types.Error_Denied(f"`{program}` was not granted"))
        return self.programs[program](call)

    def _set(self, key: str, value: bytes) -> None:
        if len(key.encode()) > 256 or len(value) > 64 << 10:
            raise Err(types.Error_Rejected(f"the key `{key}` or its value is too long"))
        self.values[key] = value

    def _mount(self, text: str) -> tuple[str, Mounted]:
        if text not in self.mounts:
            raise Err(types.Error_InvalidOptions(f"`mounts` of this test does not have `{text}`"))
        return self.mounts[text]

    def _mounted(self, texts, more, root, files) -> Mounted:
        known = [self._mount(text)[1] for text in texts]
        placed = [mount for mounted in known for mount in mounted.mounts]
        return Mounted(placed + more, [variable for mounted in known for variable in mounted.variables])
