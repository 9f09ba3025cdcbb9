// A plugin for xqute. It does two small things, to be replaced by yours: it keeps jobs with a forbidden word in their command
// from starting, and it tells which commands failed. (Rename it to plugin.ts for TypeScript.)

import { Gatekeeper, Observer, Plugin, causeText, commandLine, kv, log, run, values, veto } from 'xqute-plugin';

export class About extends Plugin {
  // Say here what the plugin understands, and what it needs to be allowed: `static runs = ['squeue']`, for example. Its
  // name, version and summary are those in package.json.
  static options = [{ name: 'forbid', summary: 'a word that no command may have in it', repeatable: true }];
}

/** Asked before something happens. What is not written here is never asked, and costs nothing. */
export class Gate extends Gatekeeper {
  onJobSubmitting(job) {
    const word = values(run.options(), 'forbid').find((word) => commandLine(job).includes(word));
    if (word !== undefined) return veto(`commands with \`${word}\` in them are forbidden`);
  }
}

/** Told what happened, a moment later. There is a function for every step of a job. */
export class Watcher extends Observer {
  onJobFailed(job, cause) {
    const command = commandLine(run.job(job.job));
    // Memory may be gone by the next call; what has to last is kept in `kv`.
    const failures = kv.add('failures', 1);
    log.warn(`failure ${failures}: job ${job.job}, \`${command}\`: ${causeText(cause)}`);
  }
}
