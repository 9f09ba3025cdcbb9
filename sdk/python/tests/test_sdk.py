"""The SDK, outside a component."""

import dataclasses
import types as python_types
import unittest

from xqute_plugin import (
    Denied,
    Gatekeeper,
    InvalidOptions,
    Mount,
    Mounted,
    Observer,
    Path,
    Plugin,
    RateLimited,
    Right,
    Scheduler,
    Snippets,
    Unavailable,
    Veto,
    Wrapping,
    cause_text,
    command_line,
    kv,
    log,
    mounts,
    process,
    quote,
    value,
    values,
)
from xqute_plugin.about import BadPlugin, Project, describe, find_parts
from xqute_plugin.guest import exports
from xqute_plugin.testing import Host, fact, fails, job, prints
from xqute_plugin.values import Argv, FailureCause

from wit_world.exports import about as contract  # importable once the package is

PROJECT = Project("xqute-some", "1.2.3", "does something")


def module(*classes):
    """A module with these classes."""
    made = python_types.ModuleType("plugin")
    for cls in classes:
        cls.__module__ = "plugin"
        setattr(made, cls.__name__, cls)
    return made


class About(unittest.TestCase):
    def test_what_is_written_is_described(self):
        class Told(Observer):
            def on_job_succeeded(self, job):
                pass

        class Asked(Gatekeeper):
            def on_shutdown(self, signal):
                pass

        description = describe(find_parts(module(Told, Asked)), PROJECT)
        self.assertEqual((description.name, description.version), ("some", "1.2.3"))
        self.assertEqual(description.hooks, [contract.Hook.SHUTDOWN, contract.Hook.JOB_SUCCEEDED])
        self.assertEqual(description.rights, [])

    def test_bash_needs_a_right(self):
        class Mine(Plugin):
            runs = ["sbatch"]

        class Adds(Snippets):
            def on_jobcmd_prep(self, job):
                return ":"

        class Wraps(Scheduler):
            def wrap(self, jobs):
                return [Wrapping(["#X"]) for _ in jobs]

        class Plain(Scheduler):
            def submit(self, jobs):
                return []

        script = Right.Script()
        self.assertEqual(describe(find_parts(module(Mine, Adds)), PROJECT).rights, [Right.Run("sbatch"), script])
        self.assertEqual(describe(find_parts(module(Wraps)), PROJECT).rights, [script])
        self.assertEqual(describe(find_parts(module(Plain)), PROJECT).rights, [])

    def test_mistakes_are_named(self):
        class One(Observer):
            def on_init(self):
                pass

        class Two(Observer):
            def on_init(self):
                pass

        class Idle(Gatekeeper):
            pass

        class Both(Observer, Gatekeeper):
            def on_shutdown(self, signal):
                pass

            def on_init(self):
                pass

            def on_job_killing(self, job):
                pass

        for classes, words in [
            ((), "has no class that is one of these: Observer"),
            ((One, Two), "several classes are a Observer: One, Two"),
            ((Idle,), "Idle is a Gatekeeper, but writes none"),
            ((Both,), "told and asked at once"),
        ]:
            with self.assertRaisesRegex(BadPlugin, words):
                find_parts(module(*classes))


class Guest(unittest.TestCase):
    def test_facts_reach_their_functions(self):
        from wit_world.exports import observer

        class Told(Observer):
            def on_init(self):
                log.info("init")

            def on_job_failed(self, job, cause):
                log.info(f"{job.job} failed: {cause}")

            def on_shutdown(self, signal):
                log.info(f"over: {signal}")

        host = Host()
        told = exports(module(Told), PROJECT)["Observer"]()
        failed = fact(3, "failed", FailureCause.ExitCode(7))
        told.observe([observer.Fact_Init(), observer.Fact_Job(failed), observer.Fact_Shutdown("INT")])
        self.assertEqual(host.log_text, f"init\n3 failed: {FailureCause.ExitCode(7)}\nover: INT\n")

    def test_verdicts(self):
        from wit_world.exports import gatekeeper

        class Asked(Gatekeeper):
            def on_job_submitting(self, job):
                return Veto("no") if job.index else None

            def on_job_killing(self, job):
                return "no"

        host = Host()
        asked = exports(module(Asked), PROJECT)["Gatekeeper"]()
        questions = [gatekeeper.Question_JobSubmitting(job(index, ":")) for index in (0, 1)]
        self.assertEqual(asked.decide(questions), [gatekeeper.Verdict_Proceed(), gatekeeper.Verdict_Veto("no")])
        with self.assertRaises(TypeError):
            asked.decide([gatekeeper.Question_JobKilling(job(0, ":"))])
        self.assertIn("answers None or a Veto", host.log_text)

    def test_errors_are_data(self):
        from componentize_py_types import Err, Ok
        from wit_world.imports import types

        class Mine(Scheduler):
            def submit(self, jobs):
                return ["1", RateLimited(5)]

            def poll(self, jobs):
                raise Unavailable("down")

            def cancel(self, jobs):
                return [None]

        scheduler = exports(module(Mine), PROJECT)["Scheduler"]()
        self.assertEqual(scheduler.submit([]), [Ok("1"), Err(types.Error_RateLimited(5))])
        self.assertEqual(scheduler.cancel([]), [Ok(None)])
        with self.assertRaises(Err) as raised:
            scheduler.poll([])
        self.assertEqual(raised.exception.value, types.Error_Unavailable("down"))

    def test_an_error_that_is_raised_is_about_all_jobs(self):
        from componentize_py_types import Err
        from wit_world.imports import types

        class Mine(Scheduler):
            def submit(self, jobs):
                raise Unavailable("down")

            poll = cancel = submit

        scheduler = exports(module(Mine), PROJECT)["Scheduler"]()
        jobs = [job(0, "a"), job(1, "b")]
        for answers in (scheduler.submit(jobs), scheduler.cancel(jobs)):
            self.assertEqual(answers, [Err(types.Error_Unavailable("down"))] * 2)


class Helpers(unittest.TestCase):
    def test_programs(self):
        host = Host(programs={"id": lambda call: prints("me\n"), "false": lambda call: fails(1, "no")})
        self.assertEqual(process.run("id", "-u n").text, "me\n")
        self.assertEqual((process.run("false").code, process.run("false").error_text), (1, "no"))
        self.assertEqual(str(host.calls[0]), "id '-u n'")
        with self.assertRaises(Denied):
            process.run("rm")

    def test_what_lasts(self):
        host = Host()
        self.assertEqual((kv.get("a"), kv.number("a"), kv.add("a", 2), kv.add("a", 3)), (None, 0, 2, 5))
        self.assertEqual((kv.text("a"), kv.text("b")), ("5", None))
        self.assertEqual((kv.keys(), kv.remove("a"), kv.remove("a"), host.values), (["a"], True, False, {}))

    def test_mounts(self):
        place = Mount("/ref", "/mnt/disks/NAMED_MOUNTS/REF", False)
        host = Host(mounts={"REF=/ref": ("/ref", Mounted([place], [("REF", place.target)]))})
        self.assertEqual(mounts.sources(["REF=/ref"]), ["/ref"])
        more = Mount("/data", "/data", False)
        self.assertEqual(mounts.read(["REF=/ref"], more=[more]).mounts, [place, more])
        with self.assertRaises(InvalidOptions):
            mounts.read(["/ref"])
        host.places.append(Path("/ref/a", "/x/a"))
        self.assertEqual(mounts.seen([place], "/ref/a"), mounts.meant([place], "/x/a"))
        self.assertIsNone(mounts.seen([place], "/x/a"))

    def test_words(self):
        options = [("a-b", "1"), ("a_b", "2")]
        self.assertEqual((values(options, "a_b"), value(options, "a-b"), value(options, "c", "x")), (["1", "2"], "2", "x"))
        self.assertEqual(quote("it's"), "'it'\\''s'")
        some = job(0, "a | b")
        self.assertEqual(command_line(some), "a | b")
        some.command = Argv(["echo", "a b", ""])
        self.assertEqual(command_line(some), "echo 'a b' ''")

    def test_every_cause_has_words(self):
        self.assertEqual(cause_text(FailureCause.NeverStarted("no room")), "never started: no room")
        for name, cause in vars(FailureCause).items():
            if isinstance(cause, type):
                given = cause(*[1] * len(dataclasses.fields(cause)))
                self.assertNotEqual(str(cause_text(given)), "", name)


if __name__ == "__main__":
    unittest.main()
