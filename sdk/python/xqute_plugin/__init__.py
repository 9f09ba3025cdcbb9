"""Write xqute plugins in Python.

A plugin is a WebAssembly component. Derive classes from these, in a module `plugin`, and write the functions that you want;
what you do not write costs nothing:

- `Plugin`: who the plugin is and what it wants; not needed when `pyproject.toml` says it all;
- `Observer`: is told what happened;
- `Gatekeeper`: is asked before something happens, and may object;
- `Snippets`: adds bash to job scripts;
- `Scheduler`: hands jobs to a backend.

    from xqute_plugin import Observer, log

    class Hello(Observer):
        def on_job_succeeded(self, job):
            log.info(f"hello from job {job.job}")

A plugin has no state of its own, because its instance may be replaced at any time. What has to last is kept in `kv`.

`about`, `hooks` and `scheduler` hold the classes, `host` what a plugin may ask of the host, `values` the contract's values;
`guest` is what the host calls, `build` makes components, `testing` stands in for the host in tests.
"""

from . import contract as _contract  # first: it makes the contract's types importable
from .about import Option, Plugin, Right
from .hooks import Gatekeeper, Observer, Snippets, Veto
from .host import clock, kv, log, mounts, process, run
from .scheduler import Scheduler
from .values import (
    Argv,
    Denied,
    Error,
    FailureCause,
    InvalidOptions,
    Job,
    JobRef,
    Mount,
    Mounted,
    Observation,
    Output,
    Path,
    RateLimited,
    Rejected,
    RunInfo,
    Shell,
    Unavailable,
    Wrapping,
    cause_text,
    command_line,
    quote,
    value,
    values,
)

__all__ = [name for name in dir() if not name.startswith("_")]
