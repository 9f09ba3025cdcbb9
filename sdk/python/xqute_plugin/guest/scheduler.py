"""Hands jobs to a scheduler."""

from __future__ import annotations

from componentize_py_types import Ok

from ..values import Error, to_contract
from .told import told


def _result(entry):
    return to_contract(entry) if isinstance(entry, Error) else Ok(entry)


class Scheduler:
    @told
    def open(self, options, run):
        self.plugin.open(options, run)

    @told
    def wrap(self, jobs):
        return [_result(entry) for entry in self.plugin.wrap(jobs)]

    @told
    def submit(self, jobs):
        return [_result(entry) for entry in self.plugin.submit(jobs)]

    @told
    def poll(self, jobs):
        return self.plugin.poll(jobs)

    @told
    def cancel(self, jobs):
        return [_result(entry) for entry in self.plugin.cancel(jobs)]

    @told
    def find(self, run_tag):
        return self.plugin.find(run_tag)
