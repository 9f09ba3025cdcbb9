"""Asks a gatekeeper questions."""

from __future__ import annotations

from wit_world.exports import gatekeeper as contract

from ..hooks import Veto
from .told import told


class Gatekeeper:
    @told
    def decide(self, questions):
        return [self._decide(question) for question in questions]

    def _decide(self, question):
        match question:
            case contract.Question_JobSubmitting(job):
                answer = self.plugin.on_job_submitting(job)
            case contract.Question_JobKilling(job):
                answer = self.plugin.on_job_killing(job)
            case contract.Question_Shutdown(signal):
                answer = self.plugin.on_shutdown(signal)
        match answer:
            case None:
                return contract.Verdict_Proceed()
            case Veto(reason):
                return contract.Verdict_Veto(reason)
        raise TypeError(f"a gatekeeper answers None or a Veto, not {answer!r}")
