// What a plugin may ask of the host: programs, the log, a memory that lasts, the clock, facts about the run, and what is
// mounted where.

import { host } from '#host';

import { asking } from './values.js';

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const bytes = (data) => (typeof data === 'string' ? encoder.encode(data) : data);

export const process = {
  run(program, args = [], input = '') {
    const { exit, stdout, stderr } = asking(() => host.process.run(program, args, bytes(input)));
    return {
      code: exit.tag === 'code' ? exit.val : -exit.val,
      stdout,
      stderr,
      get text() {
        return decoder.decode(stdout);
      },
      get errorText() {
        return decoder.decode(stderr);
      },
    };
  },
};

const at = (level) => (message) => host.log.write(level, String(message));

export const log = {
  trace: at('trace'),
  debug: at('debug'),
  info: at('info'),
  warn: at('warn'),
  error: at('error'),
};

export const kv = {
  get: (key) => host.keyValue.get(key),
  text(key) {
    const found = host.keyValue.get(key);
    return found === undefined ? undefined : decoder.decode(found);
  },
  number: (key) => Number.parseInt(kv.text(key) ?? '0', 10) || 0,
  set(key, value) {
    asking(() => host.keyValue.set(key, bytes(value)));
  },
  add(key, amount) {
    const sum = kv.number(key) + amount;
    kv.set(key, String(sum));
    return sum;
  },
  remove: (key) => host.keyValue.remove(key),
  keys: (prefix = '') => host.keyValue.keys(prefix),
};

export const clock = {
  now: () => new Date(Number(host.clock.now())),
  elapsed: () => Number(host.clock.elapsed()),
};

export const run = {
  info: () => host.run.info(),
  options: () => host.run.options(),
  job: (index) => host.run.job(index),
};

export const mounts = {
  sources: (texts) => asking(() => host.mounts.sources(texts)),
  read: (texts, { more = [], root = '/mnt/disks', files = [] } = {}) =>
    asking(() => host.mounts.read(texts, more, root, files)),
  seen: (mounts, spec) => asking(() => host.mounts.seen(mounts, spec)),
  meant: (mounts, mounted) => asking(() => host.mounts.meant(mounts, mounted)),
};
