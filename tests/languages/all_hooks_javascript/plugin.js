// Subscribes to all 15 hooks and counts the calls, as `all_hooks` in Rust does; the price of hooks in JavaScript is measured
// with it.

import { Gatekeeper, Observer, Snippets, kv, log } from 'xqute-plugin';

/** The calls that this instance saw. */
const seen = {};

function count(hook) {
  seen[hook] = (seen[hook] ?? 0) + 1;
}

/** Counts where the observer's instance does not see it. */
function countAndTell(hook) {
  count(hook);
  kv.set(hook, String(seen[hook]));
}

export class Watcher extends Observer {
  onInit() {
    count('on_init');
  }
  onJobInit() {
    count('on_job_init');
  }
  onJobQueued() {
    count('on_job_queued');
  }
  onJobSubmitted() {
    count('on_job_submitted');
  }
  onJobStarted() {
    count('on_job_started');
  }
  onJobPolling() {
    count('on_job_polling');
  }
  onJobKilled() {
    count('on_job_killed');
  }
  onJobFailed() {
    count('on_job_failed');
  }
  onJobSucceeded() {
    count('on_job_succeeded');
  }
  onShutdown() {
    count('on_shutdown');
    const told = Object.fromEntries(kv.keys().map((hook) => [hook, kv.number(hook)]));
    log.info(Object.entries({ ...seen, ...told }).map(([hook, calls]) => `${hook}=${calls}`).join(' '));
  }
}

export class Gate extends Gatekeeper {
  onJobSubmitting() {
    countAndTell('on_job_submitting');
  }
  onJobKilling() {
    countAndTell('on_job_killing');
  }
  onShutdown() {
    log.info('asked about the shutdown');
  }
}

export class Bash extends Snippets {
  onJobcmdInit() {
    countAndTell('on_jobcmd_init');
    return ': all hooks: init';
  }
  onJobcmdPrep() {
    countAndTell('on_jobcmd_prep');
    return ': all hooks: prep';
  }
  onJobcmdEnd() {
    countAndTell('on_jobcmd_end');
    return ': all hooks: end';
  }
}
