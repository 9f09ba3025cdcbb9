"""Asks for the bash for jobs."""

from __future__ import annotations

from wit_world.exports import snippets as contract

from .told import told


class Snippets:
    @told
    def provide(self, jobs):
        of = self.plugin
        return [contract.Script(of.on_jobcmd_init(job), of.on_jobcmd_prep(job), of.on_jobcmd_end(job)) for job in jobs]
