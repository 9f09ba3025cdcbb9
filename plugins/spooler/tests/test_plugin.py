"""The spooler's answers are captured from task-spooler 1.0.3."""

import unittest

from plugin import Spooler, parse
from xqute_plugin import FailureCause, InvalidOptions, JobRef, Observation, Unavailable
from xqute_plugin.testing import Host, fails, job, prints

TAG = "0123456789abcdef"
LISTED = f"""\
ID   State      Output               E-Level  Times(r/u/s)   Command [run=2/2]
1    running    stdout                                       [xqute:{TAG}:0:1]bash /data/.xqute/0/job.wrapped.spooler
2    running    stdout                                       sleep 30
3    queued     stdout                                       [xqute:{TAG}:1:1]bash -c kill -9 $$
0    finished   stdout               3        0.00/0.00/0.00 [xqute:{TAG}:2:2]bash -c exit 3
4    finished   stdout               -1       0.53/0.00/0.00 sleep 30
5    finished   stdout               0        2.01/0.00/0.00 [other]bash -c [x]
"""


def spooling(more=lambda call: fails(1, "")):
    return Host(programs={"tsp": lambda call: more(call) if call.args else prints(LISTED)})


def refs(*ids):
    return [JobRef(0, 1, id) for id in ids]


class Tests(unittest.TestCase):
    def test_what_is_listed(self):
        self.assertEqual([job.id for job in parse(LISTED)], ["1", "2", "3", "0", "4", "5"])
        self.assertEqual(parse(""), [])

    def test_jobs_are_asked_about_at_once(self):
        host = spooling()
        observed = Spooler().poll(refs("0", "1", "3", "4", "5", "9"))
        self.assertEqual(observed[0], Observation.Failed(FailureCause.ExitCode(3)))
        self.assertEqual(observed[1:3], [Observation.Running(), Observation.Queued(None)])
        self.assertIsInstance(observed[3].value, FailureCause.Other)
        self.assertEqual(observed[4:], [Observation.Succeeded(), Observation.Unknown()])
        self.assertEqual(len(host.calls), 1)

    def test_a_job_is_submitted_once(self):
        listed = [LISTED]

        def tsp(call):
            if call.args:
                listed.append(f"6    queued     stdout      [{call.args[2]}]bash\n")
                return prints("")
            return prints("".join(listed))

        host = Host(programs={"tsp": tsp})
        self.assertEqual(Spooler().submit([job(0, ":"), job(7, ":")]), ["1", "6"])
        expected = f"tsp -n -L xqute:{TAG}:7:1 bash /data/.xqute/7/job.wrapped.local"
        self.assertEqual([str(call) for call in host.calls], ["tsp", expected, "tsp"])

    def test_a_job_that_is_refused_fails(self):
        spooling(lambda call: fails(1, "the queue is full"))
        refused, known = Spooler().submit([job(7, ":"), job(0, ":")])
        self.assertEqual((str(refused), known), ("the queue is full", "1"))

    def test_jobs_are_found_by_their_labels(self):
        spooling()
        self.assertEqual(Spooler().find(TAG), [JobRef(0, 1, "1"), JobRef(1, 1, "3"), JobRef(2, 2, "0")])
        self.assertEqual(Spooler().find("fedcba9876543210"), [])

    def test_running_jobs_are_killed_and_waiting_ones_removed(self):
        host = spooling(lambda call: prints(""))
        self.assertEqual(Spooler().cancel(refs("1", "3", "0", "9")), [None] * 4)
        self.assertEqual([str(call) for call in host.calls], ["tsp", "tsp -r 3", "tsp", "tsp -k 1"])

    def test_trouble(self):
        Host(programs={"tsp": lambda call: fails(1, "no socket")})
        with self.assertRaisesRegex(Unavailable, "no socket"):
            Spooler().poll(refs("1"))
        with self.assertRaisesRegex(InvalidOptions, "bad value `many` for `slots`"):
            Spooler().open([("slots", "many")], None)


if __name__ == "__main__":
    unittest.main()
