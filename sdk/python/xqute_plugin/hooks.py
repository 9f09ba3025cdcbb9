"""The three families of hooks: told of facts, asked before something happens, giving bash to job scripts.

A function that is not written is a hook that is not subscribed to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .values import FailureCause, Job, JobFact


class Observer:
    """Is told what happened, in order, some time after it happened: a slow observer slows no job."""

    def on_init(self) -> None:
        """The run starts. Comes first."""

    def on_shutdown(self, signal: str | None) -> None:
        """The run is over. Comes last, with the name of the signal that stopped the run, if one did."""

    def on_job_init(self, job: JobFact) -> None:
        """A job was accepted."""

    def on_job_queued(self, job: JobFact) -> None:
        """An attempt waits for its turn."""

    def on_job_submitted(self, job: JobFact) -> None:
        """The scheduler took the attempt."""

    def on_job_started(self, job: JobFact) -> None:
        """The attempt runs. Always comes before its end."""

    def on_job_polling(self, job: JobFact) -> None:
        """The state of a running attempt was asked for once more."""

    def on_job_killed(self, job: JobFact) -> None:
        """The job was cancelled: killed, or never allowed to start."""

    def on_job_failed(self, job: JobFact, cause: FailureCause) -> None:
        """An attempt failed. `job.will_retry` tells whether another one follows."""

    def on_job_succeeded(self, job: JobFact) -> None:
        """The job succeeded."""


@dataclass
class Veto:
    """An objection, with the reason that the user will read."""

    reason: str


class Gatekeeper:
    """Is asked before something happens, and objects by returning a `Veto`."""

    def on_shutdown(self, signal: str) -> Veto | None:
        """This signal asks the run to stop; a veto lets it go on. A second signal is not asked about."""

    def on_job_submitting(self, job: Job) -> Veto | None:
        """An attempt is about to be submitted; a veto cancels the job."""

    def on_job_killing(self, job: Job) -> Veto | None:
        """An attempt is about to be killed; a veto lets it run on."""


class Snippets:
    """Adds bash to job scripts, and asks for the right `script`. What it prints goes to the job's stderr file.

    Use `quote` for every text that is pasted.
    """

    def on_jobcmd_init(self, job: Job) -> str | None:
        """Bash for the start of the script, before the prescript."""

    def on_jobcmd_prep(self, job: Job) -> str | None:
        """Bash for right before the command; `$cmd` holds the command line and may be assigned."""

    def on_jobcmd_end(self, job: Job) -> str | None:
        """Bash for after the command, its exit code being recorded; `$rc` holds it."""
