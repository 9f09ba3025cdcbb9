"""The smallest plugin: it greets every job that succeeds. `xqute plugin new` makes one of your own."""

from xqute_plugin import Observer, log


class Hello(Observer):
    def on_job_succeeded(self, job):
        log.info(f"hello from job {job.job}")
