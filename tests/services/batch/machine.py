"""The machines of the local Batch server: runs the tasks of a job as processes of this machine.

A task is a bash script (written by `write_task`) in a session of its own. It runs the runnables of the task one after the
other and leaves the exit code of the first that failed in a file, so a task goes on, and its end is known, while the server
is down. What the API says about jobs and tasks is not here, but in `server.py`.
"""

import os
import shlex
import shutil
import signal
import subprocess
from pathlib import Path

# Of the first runnable that fails, as Batch does it: the others are not run, but for those with `alwaysRun`.
HEAD = """#!/bin/bash
cd -- {folder} || exit 1
result=0
runnable() {{ # runnable ALWAYS IGNORE COMMAND...
  local always=$1 ignore=$2 code; shift 2
  if [ $result != 0 ] && [ "$always" != yes ]; then return; fi
  "$@"; code=$?
  if [ $code != 0 ] && [ $result = 0 ] && [ "$ignore" != yes ]; then result=$code; fi
}}
"""
TAIL = """
echo "$result" > code.new && mv code.new code
"""


class CannotRun(Exception):
    """A task that this machine cannot run, in words for a status event."""


def mount(volumes, buckets):
    """Makes the buckets of a job visible at their mount paths, by symbolic links. Returns `docker run` volumes."""
    mounts = []
    for volume in volumes:
        if "gcs" not in volume:
            raise CannotRun("this local server mounts buckets only")
        source = buckets / volume["gcs"]["remotePath"].strip("/")
        place = Path(volume["mountPath"])
        source.mkdir(parents=True, exist_ok=True)
        if place.is_symlink() and place.resolve() != source.resolve():
            place.unlink()
        if not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(source)
        elif place.resolve() != source.resolve():
            raise CannotRun(f"cannot mount {source} at {place}: something else is there")
        mounts.append(f"{source}:{place}")
    return mounts


def container(folder, spec, variables, mounts):
    """The command of a container runnable."""
    podman = shutil.which("podman")
    if podman is None:
        raise CannotRun("this machine has no podman for containers")
    command = [podman, "run", "--rm", "--pull=missing", f"--cidfile={folder / 'container'}"]
    for name in variables:
        command += ["--env", name]
    for volume in spec.get("volumes") or mounts:
        command += ["--volume", volume]
    if spec.get("entrypoint"):
        command += ["--entrypoint", spec["entrypoint"]]
    command += shlex.split(spec.get("options", ""))
    return command + [spec["imageUri"].removeprefix("docker://")] + spec.get("commands", [])


def write_task(folder, spec, variables, mounts):
    """Writes the script of a task. `variables` are those of the task; runnables add their own."""
    lines = [HEAD.format(folder=shlex.quote(str(folder)))]
    for name, value in variables.items():
        lines.append(f"export {name}={shlex.quote(value)}")
    for number, runnable in enumerate(spec["runnables"]):
        own = runnable.get("environment", {}).get("variables", {})
        if "container" in runnable:
            command = container(folder, runnable["container"], {**variables, **own}, mounts)
        elif "script" in runnable:
            script = runnable["script"]
            path = script.get("path")
            if path is None:
                text = script["text"]
                path = folder / f"runnable{number}"
                path.write_text(text if text.startswith("#!") else "#!/bin/sh\n" + text)
                path.chmod(0o755)
            command = [str(path)]
        else:
            continue  # barriers: the tasks of this machine do not wait for each other
        flags = ["yes" if runnable.get(flag) else "no" for flag in ("alwaysRun", "ignoreExitStatus")]
        prefix = ["env", *(f"{name}={value}" for name, value in own.items())] if own else []
        lines.append(shlex.join(["runnable", *flags, *prefix, *command]))
    (folder / "task.sh").write_text("\n".join(lines) + TAIL)


def start(folder):
    """Starts a task. Its process leads a session and a group."""
    with open(folder / "log", "ab") as log:
        task = subprocess.Popen(
            ["bash", folder / "task.sh"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    (folder / "pid").write_text(f"{task.pid} {started_at(task.pid)}")
    return task


def started_at(pid):
    """When a process was started, in ticks since the machine was; process ids are used again."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def live(folder):
    """The process of a task, if it lives."""
    try:
        pid, ticks = (folder / "pid").read_text().split(" ")
    except (OSError, ValueError):
        return None
    return int(pid) if ticks and started_at(int(pid)) == ticks else None


def session(leader):
    """The process groups of a session. Shells with job control make groups of their own."""
    groups = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[3]) == leader:
                groups.add(int(fields[2]))
    return groups


def kill(folder):
    """Ends a task with everything that it started."""
    pid = live(folder)
    for group in session(pid) if pid else ():
        try:
            os.killpg(group, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass
    container = folder / "container"
    if container.exists():
        subprocess.run(["podman", "rm", "--force", "--time=0", "--cidfile", container], capture_output=True, check=False)
        container.unlink(missing_ok=True)


def code(folder):
    """The exit code that a task left, if it is over."""
    try:
        return int((folder / "code").read_text())
    except (OSError, ValueError):
        return None
