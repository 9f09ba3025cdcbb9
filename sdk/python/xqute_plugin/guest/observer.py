"""Tells an observer of facts."""

from __future__ import annotations

from wit_world.exports import observer as contract

from ..values import FailureCause
from .told import told


class Observer:
    @told
    def observe(self, facts):
        for fact in facts:
            match fact:
                case contract.Fact_Job(job):
                    self._job(job)
                case contract.Fact_Init():
                    self.plugin.on_init()
                case contract.Fact_Shutdown(signal):
                    self.plugin.on_shutdown(signal)

    def _job(self, job):
        function = getattr(self.plugin, _ON_EVENT[job.event])
        if job.event is contract.JobEvent.FAILED:
            function(job, job.cause or FailureCause.Other("the host gave no cause"))
        else:
            function(job)


_ON_EVENT = {event: f"on_job_{event.name.lower()}" for event in contract.JobEvent}
