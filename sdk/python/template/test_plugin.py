"""Tests of the plugin without xqute and without WebAssembly: `.venv/bin/python -m unittest`."""

import unittest

from plugin import Gate, Watcher
from xqute_plugin import FailureCause
from xqute_plugin.testing import Host, fact, job


class Tests(unittest.TestCase):
    def test_forbidden_jobs_do_not_start(self):
        Host(options=[("forbid", "shutdown")])
        self.assertIsNone(Gate().on_job_submitting(job(0, "echo fine")))
        self.assertIn("`shutdown`", Gate().on_job_submitting(job(1, "shutdown now")).reason)

    def test_failures_are_told_and_counted(self):
        host = Host(jobs={3: job(3, "make it")})
        for _ in range(2):
            Watcher().on_job_failed(fact(3, "failed"), FailureCause.ExitCode(2))
        self.assertRegex(host.log_text, "^failure 1: job 3, `make it`: exit code 2\nfailure 2: ")
