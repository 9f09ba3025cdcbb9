"""Hands jobs to a scheduler."""

from __future__ import annotations

from componentize_py_types import Ok

from ..values import Error, to_contract
from .told import told


def _result(entry):
    return to_contract(entry) if isinstance(entry, Error) else Ok(entry)


def _for_each(hand, jobs):
    """One result for each job. An error that is raised is about all of them."""
    try:
        return [_result(entry) for entry in hand(jobs)]
    except Error as error:
        return [_result(error) for _ in jobs]


class Scheduler:
    @told
    def open(self, options, run):
        self.plugin.open(options, run)

    @told
    def wrap(self, jobs):
        return _for_each(self.plugin.wrap, jobs)

    @told
    def submit(self, jobs):
        return _for_each(self.plugin.submit, jobs)

    @told
    def poll(self, jobs):
        return self.plugin.poll(jobs)

    @told
    def cancel(self, jobs):
        return _for_each(self.plugin.cancel, jobs)

    @told
    def find(self, run_tag):
        return self.plugin.find(run_tag)
