"""Subscribes to all 15 hooks and counts the calls, as `all_hooks` in Rust does; the price of hooks in Python is measured with
it.
"""

from collections import Counter

from xqute_plugin import Gatekeeper, Observer, Snippets, kv, log

SEEN = Counter()
"""The calls that this instance saw."""


def count(hook):
    SEEN[hook] += 1


def count_and_tell(hook):
    """Counts where the observer's instance does not see it."""
    count(hook)
    kv.set(hook, str(SEEN[hook]))


class Watcher(Observer):
    def on_init(self):
        count("on_init")

    def on_job_init(self, job):
        count("on_job_init")

    def on_job_queued(self, job):
        count("on_job_queued")

    def on_job_submitted(self, job):
        count("on_job_submitted")

    def on_job_started(self, job):
        count("on_job_started")

    def on_job_polling(self, job):
        count("on_job_polling")

    def on_job_killed(self, job):
        count("on_job_killed")

    def on_job_failed(self, job, cause):
        count("on_job_failed")

    def on_job_succeeded(self, job):
        count("on_job_succeeded")

    def on_shutdown(self, signal):
        count("on_shutdown")
        told = {hook: kv.number(hook) for hook in kv.keys()}
        log.info(" ".join(f"{hook}={calls}" for hook, calls in {**SEEN, **told}.items()))


class Gate(Gatekeeper):
    def on_job_submitting(self, job):
        count_and_tell("on_job_submitting")

    def on_job_killing(self, job):
        count_and_tell("on_job_killing")

    def on_shutdown(self, signal):
        log.info("asked about the shutdown")


class Bash(Snippets):
    def on_jobcmd_init(self, job):
        count_and_tell("on_jobcmd_init")
        return ": all hooks: init"

    def on_jobcmd_prep(self, job):
        count_and_tell("on_jobcmd_prep")
        return ": all hooks: prep"

    def on_jobcmd_end(self, job):
        count_and_tell("on_jobcmd_end")
        return ": all hooks: end"
