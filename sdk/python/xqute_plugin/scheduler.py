"""The class of a plugin that hands jobs to a backend."""

from __future__ import annotations

from .values import Error, Job, JobRef, Observation, RunInfo, Wrapping


class Scheduler:
    """Hands jobs to a backend and asks about them; users choose it by the plugin's name.

    Every list that is returned has exactly one entry for each entry of the list that was given, in the same order. An entry
    may be an `Error`, returned and not raised: then it is about that job alone. One that is raised is about all of them. The
    host keeps several instances and throws them away as it likes: nothing that matters may be kept in memory between calls.
    """

    def open(self, options: list[tuple[str, str]], run: RunInfo) -> None:
        """Called once in each instance before anything else, and before the first job runs.

        Raise `InvalidOptions` if the options make no sense.
        """

    def wrap(self, jobs: list[Job]) -> list[Wrapping | Error]:
        """What the backend wants to see at the top of each job's script. Writing it asks for the right `script`."""
        return [Wrapping() for _ in jobs]

    def submit(self, jobs: list[Job]) -> list[str | Error]:
        """Submits attempts; returns the id by which the backend knows each.

        Idempotent on run tag, index and attempt where the backend allows it.
        """
        raise NotImplementedError

    def poll(self, jobs: list[JobRef]) -> list[Observation]:
        """Asks about all attempts in flight, with as few questions to the backend as possible.

        What the backend does not mention is `Observation.Unknown()`. An `Error` that is raised says that the question failed,
        and nothing about any job: the host asks again later.
        """
        raise NotImplementedError

    def cancel(self, jobs: list[JobRef]) -> list[None | Error]:
        """Cancels attempts. Cancelling what has ended already, or is unknown, is a success."""
        raise NotImplementedError

    def find(self, run_tag: str) -> list[JobRef]:
        """The attempts of a run that the backend knows of, ended or not: how jobs are adopted after a crash."""
        return []
