// Tells a web address which jobs failed, and when the run is over: a chat, a pager, a dashboard.
//
// Each message is a POST of one JSON object: `{"event": "failed", "run", "job", "name", "command", "cause", "attempts"}`, or
// `{"event": "over", "run", "scheduler", "succeeded", "failed", "killed", "signal"}`. Both have a `text` in plain words, which
// is what chats show. Messages wait in order; whoever does not answer loses them, and the run goes on.

import { Observer, Plugin, causeText, commandLine, log, run, value } from 'xqute-plugin';

/** What is told of more failures than this is their number, when the run is over. */
const MOST_MESSAGES = 20;

export class Webhook extends Plugin {
  static rights = [{ tag: 'net', val: '*' }];
  static options = [{ name: 'url', summary: 'where messages are sent' }];
}

export class Messenger extends Observer {
  ended = { succeeded: 0, failed: 0, killed: 0 };

  onJobSucceeded() {
    this.ended.succeeded += 1;
  }

  onJobKilled() {
    this.ended.killed += 1;
  }

  async onJobFailed(fact, cause) {
    if (fact.willRetry) return;
    this.ended.failed += 1;
    if (this.ended.failed > MOST_MESSAGES) return;
    const job = run.job(fact.job);
    const command = commandLine(job);
    const text = `job ${fact.job}, \`${command}\`: ${causeText(cause)}`;
    await this.send({ event: 'failed', text, job: fact.job, name: job.name, command, cause: causeText(cause), attempts: fact.attempt });
  }

  async onShutdown(signal) {
    const { succeeded, failed, killed } = this.ended;
    const text = `${succeeded} succeeded, ${failed} failed, ${killed} cancelled${signal ? `; stopped by ${signal}` : ''}`;
    await this.send({ event: 'over', text, scheduler: run.info().scheduler, ...this.ended, signal: signal ?? null });
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
