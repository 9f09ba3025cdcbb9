// The classes that a plugin derives from. A function that is not written is a hook that is not subscribed to.

/** Who the plugin is, beyond what package.json says. */
export class Plugin {
  static rights = [];
  static runs = [];
  static options = [];
  static priority = 0;
  static limits = {};
}

/** Is told what happened. */
export class Observer {
  onInit() {}
  onShutdown(_signal) {}
  onJobInit(_job) {}
  onJobQueued(_job) {}
  onJobSubmitted(_job) {}
  onJobStarted(_job) {}
  onJobPolling(_job) {}
  onJobKilled(_job) {}
  onJobFailed(_job, _cause) {}
  onJobSucceeded(_job) {}
}

/** Is asked before something happens, and objects by returning a veto. */
export class Gatekeeper {
  onShutdown(_signal) {}
  onJobSubmitting(_job) {}
  onJobKilling(_job) {}
}

/** Adds bash to job scripts. */
export class Snippets {
  onJobcmdInit(_job) {}
  onJobcmdPrep(_job) {}
  onJobcmdEnd(_job) {}
}

/** Hands jobs to a backend. */
export class Scheduler {
  open(_options, _run) {}
  wrap(jobs) {
    return jobs.map(() => ({}));
  }
  submit(_jobs) {
    throw new Error('a scheduler has to write `submit`');
  }
  poll(_jobs) {
    throw new Error('a scheduler has to write `poll`');
  }
  cancel(_jobs) {
    throw new Error('a scheduler has to write `cancel`');
  }
  find(_runTag) {
    return [];
  }
}

/** An objection, with the reason that the user will read. */
export function veto(reason) {
  return { tag: 'veto', val: reason };
}
