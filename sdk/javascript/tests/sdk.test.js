// The SDK, outside a component.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { BadPlugin, findParts, guest } from '../guest.js';
import {
  Denied,
  Gatekeeper,
  InvalidOptions,
  Observer,
  Plugin,
  RateLimited,
  Scheduler,
  Snippets,
  Unavailable,
  causeText,
  commandLine,
  kv,
  log,
  mounts,
  process,
  quote,
  value,
  values,
  veto,
} from '../index.js';
import { Host, fact, fails, job, prints } from '../testing.js';

const project = { name: '@me/xqute-some', version: '1.2.3', summary: 'does something' };
const describe = (module) => guest(module, project).about.describe();

test('what is written is described', () => {
  class Told extends Observer {
    onJobSucceeded() {}
  }
  class Asked extends Gatekeeper {
    onShutdown() {}
  }
  const description = describe({ Told, Asked, other: 5 });
  assert.deepEqual([description.name, description.version], ['some', '1.2.3']);
  assert.deepEqual(description.hooks, ['job-succeeded', 'shutdown']);
  assert.deepEqual(description.rights, []);
});

test('bash needs a right', () => {
  class Mine extends Plugin {
    static runs = ['sbatch'];
  }
  class Adds extends Snippets {
    onJobcmdPrep() {}
  }
  class Wraps extends Scheduler {
    wrap() {}
  }
  class Plain extends Scheduler {
    submit() {}
  }
  const script = { tag: 'script' };
  assert.deepEqual(describe({ Mine, Adds }).rights, [{ tag: 'run', val: 'sbatch' }, script]);
  assert.deepEqual(describe({ Mine, Adds }).hooks, ['jobcmd-prep']);
  assert.deepEqual(describe({ Wraps }).rights, [script]);
  assert.deepEqual(describe({ Plain }).rights, []);
});

test('mistakes are named', () => {
  class One extends Observer {
    onInit() {}
  }
  class Two extends Observer {
    onInit() {}
  }
  class Idle extends Gatekeeper {}
  const says = (module, words) =>
    assert.throws(() => findParts(module), (error) => error instanceof BadPlugin && words.test(error.message));
  says({}, /exports no class that is one of these: Observer, /);
  says({ One, Two }, /several classes are a Observer: One, Two/);
  says({ Idle }, /Idle is a Gatekeeper, but writes none/);
});

test('facts reach their functions', () => {
  class Told extends Observer {
    onInit() {
      log.info('init');
    }
    onJobFailed(job, cause) {
      log.info(`${job.job} failed: ${cause.val}`);
    }
    onShutdown(signal) {
      log.info(`over: ${signal}`);
    }
  }
  const host = new Host();
  const failed = fact(3, 'failed', { cause: { tag: 'exit-code', val: 7 } });
  guest({ Told }, project).observer.observe([{ tag: 'init' }, { tag: 'job', val: failed }, { tag: 'shutdown', val: 'INT' }]);
  assert.equal(host.logText, 'init\n3 failed: 7\nover: INT\n');
});

test('verdicts', () => {
  class Asked extends Gatekeeper {
    onJobSubmitting(job) {
      return job.index ? veto('no') : undefined;
    }
    onJobKilling() {
      return 'no';
    }
  }
  const host = new Host();
  const { decide } = guest({ Asked }, project).gatekeeper;
  const questions = [0, 1].map((index) => ({ tag: 'job-submitting', val: job(index, ':') }));
  assert.deepEqual(decide(questions), [{ tag: 'proceed' }, { tag: 'veto', val: 'no' }]);
  assert.throws(() => decide([{ tag: 'job-killing', val: job(0, ':') }]), TypeError);
  assert.match(host.logText, /returns nothing or a veto, not "no"/);
});

test('errors are data', () => {
  class Mine extends Scheduler {
    submit() {
      return ['1', new RateLimited(5)];
    }
    poll() {
      throw new Unavailable('down');
    }
    cancel() {
      return [undefined];
    }
  }
  const { submit, poll, cancel, wrap } = guest({ Mine }, project).scheduler;
  assert.deepEqual(submit([]), [{ tag: 'ok', val: '1' }, { tag: 'err', val: { tag: 'rate-limited', val: 5 } }]);
  assert.deepEqual(cancel([]), [{ tag: 'ok', val: undefined }]);
  assert.deepEqual(wrap([{}]), [{ tag: 'ok', val: { directives: [] } }]);
  assert.throws(() => poll([]), { tag: 'unavailable', val: 'down' });
});

test('what takes time is waited for, in its order', async () => {
  const seen = [];
  class Told extends Observer {
    async onJobFailed(job) {
      await Promise.resolve();
      seen.push(job.job);
    }
    onJobSucceeded(job) {
      seen.push(job.job);
    }
  }
  class Asked extends Gatekeeper {
    onJobSubmitting(job) {
      return job.index === 1 ? Promise.resolve(veto('no')) : undefined;
    }
    async onShutdown() {
      return 5;
    }
  }
  class Slow extends Scheduler {
    async submit(jobs) {
      if (jobs.length > 1) throw new Unavailable('down');
      return ['1'];
    }
    async poll() {
      throw new Unavailable('down');
    }
  }
  const { observer, gatekeeper, scheduler } = guest({ Told, Asked, Slow }, project);
  const told = [fact(1, 'succeeded'), fact(2, 'failed'), fact(3, 'succeeded'), fact(4, 'failed')];
  assert.equal(await observer.observe(told.map((val) => ({ tag: 'job', val }))), undefined);
  assert.deepEqual(seen, [1, 2, 3, 4]);
  const asked = [0, 1, 2].map((index) => ({ tag: 'job-submitting', val: job(index, 'true') }));
  const go = { tag: 'proceed' };
  assert.deepEqual(await gatekeeper.decide(asked), [go, veto('no'), go]);
  await assert.rejects(gatekeeper.decide([{ tag: 'shutdown', val: 'TERM' }]), TypeError);
  assert.deepEqual(await scheduler.submit([{}]), [{ tag: 'ok', val: '1' }]);
  const down = { tag: 'unavailable', val: 'down' };
  assert.deepEqual(await scheduler.submit([{}, {}]), [{ tag: 'err', val: down }, { tag: 'err', val: down }]);
  await assert.rejects(scheduler.poll([]), down);
});

test('an error that is thrown is about all jobs', () => {
  class Mine extends Scheduler {
    submit() {
      throw new Unavailable('down');
    }
    poll() {}
    cancel() {
      throw new Unavailable('down');
    }
  }
  const { submit, cancel } = guest({ Mine }, project).scheduler;
  const down = { tag: 'err', val: { tag: 'unavailable', val: 'down' } };
  for (const ask of [submit, cancel]) assert.deepEqual(ask([{}, {}]), [down, down]);
});

test('programs', () => {
  const host = new Host({ programs: { id: () => prints('me\n'), false: () => fails(1, 'no') } });
  assert.equal(process.run('id', ['-u n']).text, 'me\n');
  assert.equal(process.run('false').code, 1);
  assert.equal(process.run('false').errorText, 'no');
  assert.equal(host.calls[0].line, "id '-u n'");
  assert.throws(() => process.run('rm'), Denied);
});

test('what lasts', () => {
  const host = new Host();
  assert.deepEqual([kv.get('a'), kv.number('a'), kv.add('a', 2), kv.add('a', 3)], [undefined, 0, 2, 5]);
  assert.deepEqual([kv.keys(), kv.remove('a'), kv.remove('a'), host.values.size], [['a'], true, false, 0]);
});

test('mounts', () => {
  const place = { source: '/ref', target: '/mnt/disks/NAMED_MOUNTS/REF', readOnly: false };
  const mounted = { mounts: [place], variables: [['REF', place.target]] };
  const host = new Host({ mounts: { 'REF=/ref': ['/ref', mounted] } });
  assert.deepEqual(mounts.sources(['REF=/ref']), ['/ref']);
  const more = { source: '/data', target: '/data', readOnly: false };
  assert.deepEqual(mounts.read(['REF=/ref'], { more: [more] }).mounts, [place, more]);
  assert.throws(() => mounts.read(['/ref']), InvalidOptions);
  host.places.push({ spec: '/ref/a', mounted: '/x/a' });
  assert.equal(mounts.seen([place], '/ref/a'), mounts.meant([place], '/x/a'));
  assert.equal(mounts.seen([place], '/x/a'), undefined);
});

test('words', () => {
  const options = [['a-b', '1'], ['a_b', '2']];
  assert.deepEqual([values(options, 'a_b'), value(options, 'a-b'), value(options, 'c', 'x')], [['1', '2'], '2', 'x']);
  assert.equal(causeText({ tag: 'timed-out' }), 'timed out');
  assert.equal(causeText({ tag: 'never-started', val: 'no room' }), 'never started: no room');
  assert.equal(quote("it's"), "'it'\\''s'");
  assert.equal(commandLine(job(0, 'a | b')), 'a | b');
  assert.equal(commandLine(job(0, '', { command: { tag: 'argv', val: ['echo', 'a b', ''] } })), "echo 'a b' ''");
});
