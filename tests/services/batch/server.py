"""A small Google Batch on loopback, for tests with the real `gcloud`: the part of its REST API that `gcloud batch` uses, and
tasks that really run (`machine.py`). It knows one project and a few locations. Its state is a file, so it can be stopped
and started again while its tasks go on.

    server.py FOLDER PORT [SLOTS]

What a test may want to happen is asked for at `/control` (see `Control`): `server.py ask PORT WHAT ARGUMENT...`.
"""

import json
import os
import re
import signal
import sys
import threading
import time
import urllib.error
import urllib.request
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import machine

PROJECT = "xqute-test"
LOCATIONS = ["us-central1", "europe-west4"]
OVER = ["SUCCEEDED", "FAILED", "CANCELLED"]
JOB_NAME = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
# What may be in a job, in its task group, and in a task's specification.
KNOWN = {
    "job": "name uid priority taskGroups allocationPolicy labels status createTime updateTime logsPolicy notifications",
    "job.task_groups[0]": "name taskSpec taskCount parallelism schedulingPolicy taskEnvironments taskCountPerNode "
    "requireHostsFile permissiveSsh runAsNonRoot",
    "job.task_groups[0].task_spec": "runnables computeResource maxRunDuration maxRetryCount lifecyclePolicies environments "
    "volumes environment",
}
LABEL = re.compile(r"[a-z][a-z0-9_-]{0,62}=[a-z0-9_-]{0,63}")
# The names of Google's error codes.
STATUS = {
    400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 409: "ALREADY_EXISTS",
    429: "RESOURCE_EXHAUSTED", 500: "INTERNAL", 503: "UNAVAILABLE",
}  # fmt: skip
WORDS = {
    401: "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid "
    "authentication credential.",
    403: "Permission 'batch.jobs.list' denied on 'projects/xqute-test/locations/us-central1'",
    429: "Quota exceeded for quota metric 'Job requests' and limit 'Job requests per minute per region' of service "
    "'batch.googleapis.com' for consumer 'project_number:1'.",
    500: "Internal error encountered.",
    503: "The service is currently unavailable.",
}


class Refusal(Exception):
    """An answer other than 200."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code, self.message = code, message


def now():
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def event(thing, description, **more):
    """Adds a status event to a job or a task, and sets its state if one is given."""
    status = thing["status"]
    kind = "OPERATIONAL_INFO"
    if "state" in more:
        description = f"{description} state is updated from {status['state']} to {more['state']}{more.pop('why', '')}."
        status["state"], kind = more["state"], "STATUS_CHANGED"
    told = {"type": kind, "description": description, "eventTime": now()}
    if "task" in more:
        told["taskState"] = status["state"]
    if more.get("code"):
        told["taskExecution"] = {"exitCode": more["code"]}
    status.setdefault("statusEvents", []).append(told)


class Batch:
    """All jobs. A job is what the API shows of it; the tasks stand beside it."""

    def __init__(self, folder, slots):
        self.folder, self.slots = folder, slots
        self.lock, self.changed = threading.RLock(), threading.Event()
        self.file = folder / "state.json"
        self.jobs, self.tasks, self.held, self.children = {}, {}, False, []
        if self.file.exists():
            self.jobs, self.tasks = json.loads(self.file.read_text())

    def save(self):
        new = self.file.with_suffix(".new")
        new.write_text(json.dumps([self.jobs, self.tasks]))
        new.replace(self.file)

    def stop_serving(self):
        """Ends the server between two steps: a task that it has started must be known to the next one."""
        with self.lock:
            self.save()
            os._exit(0)

    # What users ask for.

    def create(self, parent, name, job):
        full = f"{parent}/jobs/{name}"
        self.check(name, job)
        if full in self.jobs:
            raise Refusal(409, f"Resource '{full}' already exists")
        group = job["taskGroups"][0]
        group["name"] = f"{full}/taskGroups/group0"
        count = len(group.get("taskEnvironments", [])) or int(group.get("taskCount", 1))
        group["taskCount"] = str(count)
        job.update(name=full, uid=f"{name[:40]}-{len(self.jobs)}", createTime=now(), updateTime=now())
        job["status"] = {"state": "QUEUED", "runDuration": "0s"}
        self.jobs[full] = job
        self.tasks[full] = [
            {"name": f"{full}/taskGroups/group0/tasks/{number}", "status": {"state": "PENDING"}} for number in range(count)
        ]
        self.count(full)
        self.save()
        return job

    @staticmethod
    def check(name, job):
        if not JOB_NAME.fullmatch(name):
            raise Refusal(400, f"Job ID '{name}' is invalid: it must match '^[a-z]([a-z0-9-]{{0,61}}[a-z0-9])?$'")
        for label, value in job.get("labels", {}).items():
            if not LABEL.fullmatch(f"{label}={value}"):
                raise Refusal(400, f"Invalid label '{label}={value}'")
        groups = job.get("taskGroups", [])
        if len(groups) != 1:
            raise Refusal(400, f"Job must have exactly one task group, but it has {len(groups)}")
        spec = groups[0].get("taskSpec", {})
        for (place, known), there in zip(KNOWN.items(), (job, groups[0], spec)):
            for field in set(there) - set(known.split()):
                message = f"Invalid JSON payload received. Unknown name \"{field}\" at '{place}': Cannot find field."
                raise Refusal(400, message)
        if not spec.get("runnables"):
            raise Refusal(400, "Task spec must have at least one runnable")
        if not 0 <= int(spec.get("maxRetryCount", 0)) <= 10:
            raise Refusal(400, "max_retry_count must be in the range [0, 10]")
        for policy in job.get("allocationPolicy", {}).get("instances", []):
            kind = policy.get("policy", {}).get("machineType", "e2-standard-4")
            if not re.fullmatch(r"[a-z][a-z0-9]*-[a-z0-9-]+", kind):
                raise Refusal(400, f"machine type '{kind}' is not supported")

    def cancel(self, full, state):
        job = self.get(full)
        if job["status"]["state"] in OVER and state == "CANCELLATION_IN_PROGRESS":
            raise Refusal(400, f"Job {full} is in terminal state {job['status']['state']} and cannot be cancelled")
        event(job, "Job", state=state)
        self.save()
        return {"name": f"{full.rpartition('/jobs/')[0]}/operations/operation-{time.time_ns()}", "done": False}

    def get(self, full):
        if full not in self.jobs:
            raise Refusal(404, f"Resource '{full}' was not found")
        return self.jobs[full]

    # What happens by itself.

    def run(self):
        """Looks at everything, again and again."""
        while True:
            with self.lock:
                free = self.slots - sum(self.state(task) == "RUNNING" for tasks in self.tasks.values() for task in tasks)
                self.children = [child for child in self.children if child.poll() is None]
                changed = False
                for full in list(self.jobs):
                    before = json.dumps(self.jobs[full]["status"])
                    free = self.go_on(full, free)
                    changed |= full not in self.jobs or before != json.dumps(self.jobs[full]["status"])
                if changed:
                    self.save()
            time.sleep(0.05)

    @staticmethod
    def state(task):
        return task["status"]["state"]

    def place(self, task):
        job, _, number = task["name"].rpartition("/tasks/")
        return self.folder / "tasks" / job.split("/")[5] / number

    def go_on(self, full, free):
        """One step of one job. Returns how many more tasks may be started."""
        job, tasks = self.jobs[full], self.tasks[full]
        state = job["status"]["state"]
        if state in OVER or (self.held and state in ("QUEUED", "SCHEDULED")):
            return free
        if state in ("CANCELLATION_IN_PROGRESS", "DELETION_IN_PROGRESS"):
            self.stop(full)
        elif state in ("QUEUED", "SCHEDULED"):
            event(job, "Job", state="SCHEDULED" if state == "QUEUED" else "RUNNING")
        else:
            for task in tasks:
                if self.state(task) == "RUNNING":
                    self.look(job, task)
                elif self.state(task) == "PENDING" and free > 0:
                    free -= 1
                    self.start(job, task)
            states = {self.state(task) for task in tasks}
            if states <= {"SUCCEEDED", "FAILED"}:
                event(job, "Job", state="FAILED" if "FAILED" in states else "SUCCEEDED")
        if full in self.jobs:
            self.count(full)
        return free

    def count(self, full):
        counts = {}
        for task in self.tasks[full]:
            counts[self.state(task)] = counts.get(self.state(task), 0) + 1
        counts = {state: str(count) for state, count in counts.items()}
        self.jobs[full]["status"]["taskGroups"] = {"group0": {"counts": counts}}

    def start(self, job, task):
        group, number = job["taskGroups"][0], int(task["name"].rpartition("/")[2])
        spec, folder = group["taskSpec"], self.place(task)
        environments = group.get("taskEnvironments", [])
        variables = {
            **spec.get("environment", {}).get("variables", {}),
            **(environments[number].get("variables", {}) if environments else {}),
            "BATCH_TASK_INDEX": str(number),
            "BATCH_TASK_COUNT": group["taskCount"],
            "BATCH_JOB_UID": job["uid"],
            "BATCH_HOSTS_FILE": "/dev/null",
        }
        folder.mkdir(parents=True, exist_ok=True)
        for old in ("code", "pid", "container"):
            (folder / old).unlink(missing_ok=True)
        try:
            mounts = machine.mount(spec.get("volumes", []), self.folder / "buckets")
            machine.write_task(folder, spec, variables, mounts)
            self.children.append(machine.start(folder))
        except machine.CannotRun as why:
            return self.end(task, 50000, str(why), spec)
        task["started"] = time.time()
        event(task, "Task", state="RUNNING", task=True, why=" on zones/us-central1-a/instances/1")

    def look(self, job, task):
        folder, spec = self.place(task), job["taskGroups"][0]["taskSpec"]
        limit = spec.get("maxRunDuration")
        code = machine.code(folder)
        if code is not None:
            self.end(task, code, "", spec)
        elif machine.live(folder) is None and machine.code(folder) is None:
            self.end(task, 50002, " due to VM reporting timeout with exit code 50002", spec)
        elif limit and time.time() - task["started"] > float(limit.rstrip("s")):
            machine.kill(folder)
            self.end(task, 50005, " due to task runs over the maximum runtime with exit code 50005", spec)

    def end(self, task, code, why, spec):
        """A task has ended; one that failed may be run again."""
        task["retries"] = task.get("retries", 0) + 1
        retried = code != 0 and task["retries"] <= int(spec.get("maxRetryCount", 0))
        why = why or (f" with exit code {code}" if code else "")
        state = "PENDING" if retried else "SUCCEEDED" if code == 0 else "FAILED"
        event(task, "Task", state=state, task=True, code=code, why=why)

    def stop(self, full):
        """Ends all tasks of a job, and the job."""
        for task in self.tasks[full]:
            if self.state(task) == "RUNNING":
                machine.kill(self.place(task))
                event(task, "Task", state="FAILED", task=True, code=50000, why=" because the job is cancelled")
            elif self.state(task) == "PENDING":
                event(task, "Task", state="UNEXECUTED", task=True)
        if self.jobs[full]["status"]["state"] == "DELETION_IN_PROGRESS":
            del self.jobs[full], self.tasks[full]
        else:
            event(self.jobs[full], "Job", state="CANCELLED")


class Control:
    """What tests ask for: `fail CODE TIMES`, the next answers are this error · `end JOB TASK CODE`, a running task ends as
    if its machine had failed · `hold yes|no`, jobs wait for machines · `count`, the requests so far."""

    def __init__(self, batch):
        self.batch, self.failing, self.requests = batch, [], []

    def ask(self, what, *args):
        if what == "fail":
            self.failing = [int(args[0])] * int(args[1])
        elif what == "end":
            [full] = [full for full in self.batch.jobs if full.endswith("/" + args[0])]
            task = self.batch.tasks[full][int(args[1])]
            machine.kill(self.batch.place(task))
            why = {"50001": " due to Spot VM preemption"}.get(args[2], "") + f" with exit code {args[2]}"
            self.batch.end(task, int(args[2]), why, self.batch.jobs[full]["taskGroups"][0]["taskSpec"])
        elif what == "hold":
            self.batch.held = args[0] == "yes"
        return {"requests": self.requests}


def handler(batch, control):
    """The class that answers requests."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args):
            sys.stderr.write(f"{now()} {args[0] % args[1:]}\n")

        def answer(self, method):
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length) or b"{}")
            url = urlparse(self.path)
            try:
                with batch.lock:
                    code, said = 200, self.route(method, url.path, parse_qs(url.query), body)
            except Refusal as refusal:
                code = refusal.code
                said = {"error": {"code": code, "message": refusal.message, "status": STATUS[code]}}
            said = json.dumps(said).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json; charset=UTF-8")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def route(self, method, path, query, body):
            if path == "/control":
                return control.ask(*body["ask"])
            control.requests.append(f"{method} {path}")
            if control.failing:
                code = control.failing.pop()
                raise Refusal(code, WORDS[code])
            found = re.fullmatch(r"/v1(?:alpha)?/(projects/([^/]+)/locations/([^/]+))/jobs(?:/([^/:]+)(.*))?", path)
            if not found:
                raise Refusal(404, f"The requested URL {path} was not found on this server.")
            parent, project, location, name, rest = found.groups()
            if project != PROJECT:
                raise Refusal(403, f"Permission 'batch.jobs.list' denied on '{parent}'")
            if location not in LOCATIONS:
                raise Refusal(404, f"Location {location} is not found or access is unauthorized.")
            if name is None:
                if method == "POST":
                    return batch.create(parent, query.get("jobId", ["job"])[0], body)
                jobs = [job for full, job in batch.jobs.items() if full.startswith(parent + "/")]
                return page("jobs", jobs, query)
            full = f"{parent}/jobs/{name}"
            match method, rest:
                case "GET", "":
                    return batch.get(full)
                case "DELETE", "":
                    return batch.cancel(full, "DELETION_IN_PROGRESS")
                case "POST", ":cancel":
                    return batch.cancel(full, "CANCELLATION_IN_PROGRESS")
                case "GET", "/taskGroups/group0/tasks":
                    batch.get(full)
                    tasks = [{key: task[key] for key in ("name", "status")} for task in batch.tasks[full]]
                    return page("tasks", tasks, query)
            raise Refusal(404, f"The requested URL {path} was not found on this server.")

        def do_GET(self):
            self.answer("GET")

        def do_POST(self):
            self.answer("POST")

        def do_DELETE(self):
            self.answer("DELETE")

    return Handler


def page(kind, all_of_them, query):
    """One page of a list. A page is at most 1000 entries, 100 if the client does not say."""
    start, size = int(query.get("pageToken", ["0"])[0]), int(query.get("pageSize", ["100"])[0])
    end = start + min(size or 100, 1000)
    said = {kind: all_of_them[start:end]}
    if end < len(all_of_them):
        said["nextPageToken"] = str(end)
    return said


def main():
    if sys.argv[1] == "ask":
        body = json.dumps({"ask": sys.argv[3:]}).encode()
        with urllib.request.urlopen(f"http://127.0.0.1:{sys.argv[2]}/control", body, timeout=10) as answer:
            print("\n".join(json.load(answer)["requests"]))
        return
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    batch = Batch(folder, int(sys.argv[3]) if len(sys.argv) > 3 else 100)
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), handler(batch, Control(batch)))
    signal.signal(signal.SIGTERM, lambda *_: batch.stop_serving())
    threading.Thread(target=batch.run, daemon=True).start()
    (folder / "server.pid").write_text(str(os.getpid()))
    server.serve_forever()


main()
