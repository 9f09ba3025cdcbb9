"""A plugin for xqute. It does two small things, to be replaced by yours: it keeps jobs with a forbidden word in their command
from starting, and it tells which commands failed.
"""

from xqute_plugin import Gatekeeper, Observer, Option, Plugin, Veto, cause_text, command_line, kv, log, run, values


class About(Plugin):
    # Say here what the plugin understands, and what it needs to be allowed: `runs = ["squeue"]`, for example. Its name,
    # version and summary are those in pyproject.toml.
    options = [Option("forbid", "a word that no command may have in it", repeatable=True)]


class Gate(Gatekeeper):
    """Asked before something happens. What is not written here is never asked, and costs nothing."""

    def on_job_submitting(self, job):
        for word in values(run.options(), "forbid"):
            if word in command_line(job):
                return Veto(f"commands with `{word}` in them are forbidden")


class Watcher(Observer):
    """Told what happened, a moment later. There is a function for every step of a job."""

    def on_job_failed(self, job, cause):
        command = command_line(run.job(job.job))
        # Memory may be gone by the next call; what has to last is kept in `kv`.
        failures = kv.add("failures", 1)
        log.warn(f"failure {failures}: job {job.job}, `{command}`: {cause_text(cause)}")
