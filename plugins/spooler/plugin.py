"""A scheduler: hands jobs to task-spooler (`tsp`), which runs so many at a time on this machine, also after xqute has ended.

Jobs are found again by their labels, `xqute:TAG:INDEX:ATTEMPT`.
"""

import re

from xqute_plugin import FailureCause, InvalidOptions, JobRef, Observation, Option, Plugin, Scheduler, Unavailable
from xqute_plugin import Rejected, log, process, run, value

TSP = "tsp"

# `12   finished   stdout               0        0.01/0.00/0.00 [LABEL]command`; times and exit code only when it has ended.
LINE = re.compile(r"(?P<id>\d+)\s+(?P<state>\w+)\s+\S+\s+(?:(?P<code>-?\d+)\s+\S+/\S+/\S+\s+)?(?:\[(?P<label>[^]]*)\])?")


class About(Plugin):
    runs = [TSP]
    options = [Option("slots", "how many jobs the spooler runs at a time, those of others included", "as it is")]


class Spooler(Scheduler):
    def open(self, options, run):
        slots = value(options, "slots")
        if slots is None:
            return
        if not re.fullmatch("[1-9][0-9]{0,3}", slots):
            raise InvalidOptions(f"bad value `{slots}` for `slots`: it is a number from 1 to 9999")
        ask("-S", slots)

    def submit(self, jobs):
        before = {job.label for job in list_jobs()}
        refused = {job.index: submit(job) for job in jobs if label(job) not in before}
        after = {job.label: job.id for job in list_jobs()}
        lost = Rejected("the spooler took the job, but does not list it")
        return [refused.get(job.index) or after.get(label(job), lost) for job in jobs]

    def poll(self, jobs):
        known = {job.id: job for job in list_jobs()}
        return [observe(known.get(job.backend_id)) for job in jobs]

    def cancel(self, jobs):
        """First what waits: the end of a job starts the next one. What was started meanwhile is in the second list."""
        ids = {job.backend_id for job in jobs}
        for job in list_jobs():
            if job.id in ids and job.state in ("queued", "allocating"):
                tell("-r", job.id)
        for job in list_jobs():
            if job.id in ids and job.state == "running":
                tell("-k", job.id)
        return [None for _ in jobs]

    def find(self, run_tag):
        found = (re.fullmatch(rf"xqute:{run_tag}:(\d+):(\d+)", job.label or "") and job for job in list_jobs())
        return [JobRef(*map(int, job.label.split(":")[2:]), job.id) for job in found if job]


class Listed:
    """A job as the spooler lists it."""

    def __init__(self, id, state, code=None, label=None):
        self.id, self.state, self.code, self.label = id, state, code and int(code), label


def parse(text):
    """What the spooler lists. Other lines, as its heading, are no jobs."""
    lines = (LINE.match(line) for line in text.splitlines())
    return [Listed(**line.groupdict()) for line in lines if line]


def ask(*args):
    output = process.run(TSP, *args)
    if output.code != 0:
        raise Unavailable(f"tsp {args[0] if args else ''}: {output.error_text.strip() or output.code}")
    return output.text


def list_jobs():
    return parse(ask())


def label(job):
    return f"xqute:{run.info().tag}:{job.index}:{job.attempt}"


def submit(job):
    """The spooler is told to keep no output, as the job's script does; then it does not tell the job's id either."""
    output = process.run(TSP, "-n", "-L", label(job), "bash", job.script.spec)
    if output.code != 0:
        return Rejected(output.error_text.strip() or f"tsp ended with {output.code}")


def observe(job):
    match job:
        case None:
            return Observation.Unknown()
        case Listed(state="queued" | "allocating"):
            return Observation.Queued(None)
        case Listed(state="running"):
            return Observation.Running()
        case Listed(state="finished", code=0):
            return Observation.Succeeded()
        case Listed(state="finished", code=code) if code is not None and code > 0:
            return Observation.Failed(FailureCause.ExitCode(code))
        case Listed(state="skipped"):
            return Observation.Cancelled()
    return Observation.Failed(FailureCause.Other("the spooler says that it was killed"))


def tell(*args):
    """A job that has ended meanwhile cannot be told anything, and need not."""
    output = process.run(TSP, *args)
    if output.code != 0:
        log.debug(f"tsp {args[0]}: {output.error_text.strip()}")
