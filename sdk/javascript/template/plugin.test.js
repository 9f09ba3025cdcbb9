// Tests of the plugin without xqute and without WebAssembly: `node --test`.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Host, fact, job } from 'xqute-plugin/testing';

import { Gate, Watcher } from './plugin.js';

test('forbidden jobs do not start', () => {
  new Host({ options: [['forbid', 'shutdown']] });
  assert.equal(new Gate().onJobSubmitting(job(0, 'echo fine')), undefined);
  assert.match(new Gate().onJobSubmitting(job(1, 'shutdown now')).val, /`shutdown`/);
});

test('failures are told and counted', () => {
  const host = new Host({ jobs: { 3: job(3, 'make it') } });
  const cause = { tag: 'exit-code', val: 2 };
  for (const _ of [1, 2]) new Watcher().onJobFailed(fact(3, 'failed', { cause }), cause);
  assert.match(host.logText, /^failure 1: job 3, `make it`: exit code 2\nfailure 2: /);
});
