// Tells a web address which jobs failed, and when the run is over: a chat, a pager, a dashboard.
//
// Each message is a POST of one JSON object: `{"run", "event": "failed", "text", "job", "name", "command", "cause",
// "attempts"}`, or `{"run", "event": "over", "text", "scheduler", "succeeded", "failed", "killed", "signal"}`; `text` is for
// people. Messages wait in order. Who does not answer is not told, and the run goes on.

import { Observer, Plugin, causeText, commandLine, kv, log, run, value } from 'xqute-plugin';

/** More failures than these are only counted. */
const MOST_MESSAGES = 20;

export class Webhook extends Plugin {
  static rights = [{ tag: 'net', val: '*' }];
  static options = [{ name: 'url', summary: 'where messages are sent' }];
}

/** How many jobs of this run ended so. Kept by the host: an instance that waits too long for an answer is replaced. */
const ended = (how) => `${run.info().tag}/${how}`;

export class Messenger extends Observer {
  onJobSucceeded() {
    kv.add(ended('succeeded'), 1);
  }

  onJobKilled() {
    kv.add(ended('killed'), 1);
  }

  async onJobFailed(fact, cause) {
    if (fact.willRetry || kv.add(ended('failed'), 1) > MOST_MESSAGES) return;
    const job = run.job(fact.job);
    const [command, why] = [commandLine(job), causeText(cause)];
    const text = `job ${fact.job}, \`${command}\`: ${why}`;
    await this.send({ event: 'failed', text, job: fact.job, name: job.name, command, cause: why, attempts: fact.attempt });
  }

  async onShutdown(signal) {
    const [succeeded, failed, killed] = ['succeeded', 'failed', 'killed'].map((how) => kv.number(ended(how)));
    kv.keys(ended('')).forEach((key) => kv.remove(key));
    const text = `${succeeded} succeeded, ${failed} failed, ${killed} cancelled${signal ? `; stopped by ${signal}` : ''}`;
    const { scheduler } = run.info();
    await this.send({ event: 'over', text, scheduler, succeeded, failed, killed, signal: signal ?? null });
  }

  async send(message) {
    const url = value(run.options(), 'url');
    if (url === undefined) {
      log.warn('nothing is told: there is no option `url`');
      return;
    }
    const body = JSON.stringify({ run: run.info().tag, ...message });
    try {
      const answer = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
      if (!answer.ok) log.warn(`${url} answered ${answer.status}`);
    } catch (error) {
      log.warn(`${url} could not be told: ${error.message}`);
    }
  }
}
