// Tests a plugin natively, without a host and without WebAssembly: what the plugin asks is answered from here, and what it did
// can be looked at.
//
//     const host = new Host();
//     host.programs.squeue = (call) => prints('1 RUNNING\n');
//     new MyScheduler().poll([...]);
//     assert.equal(host.calls[0].line, 'squeue -h');
//
// Making a Host starts afresh.

const encoder = new TextEncoder();

/** An error as the host throws it. */
class HostError extends Error {
  constructor(tag, val) {
    super(`${tag}: ${val}`);
    this.payload = { tag, val };
  }
}

/** The answer of a program that prints this and succeeds. */
export function prints(stdout) {
  return { exit: { tag: 'code', val: 0 }, stdout: encoder.encode(stdout), stderr: new Uint8Array() };
}

/** The answer of a program that prints this to stderr and fails. */
export function fails(code, stderr) {
  return { exit: { tag: 'code', val: code }, stdout: new Uint8Array(), stderr: encoder.encode(stderr) };
}

/** A path that both sides see as the same. */
export function path(text) {
  return { spec: text, mounted: text };
}

/** A job with this index and this line of bash. Everything else is as plain as can be; change what matters. */
export function job(index, line, changes = {}) {
  const folder = `/data/.xqute/${index}`;
  return {
    index,
    attempt: 1,
    name: `xqute.${index}`,
    command: { tag: 'shell', val: line },
    env: [],
    cwd: undefined,
    dir: path(folder),
    script: path(`${folder}/job.wrapped.local`),
    timeoutSeconds: undefined,
    options: [],
    attributes: [],
    ...changes,
  };
}

/** This happened to the first attempt of a job. */
export function fact(index, event, changes = {}) {
  return { event, job: index, attempt: 1, cause: undefined, willRetry: false, ...changes };
}

let current;

/** The host of the tests, in use from now on. */
export class Host {
  programs = {};
  options = [];
  jobs = {};
  mounts = {};
  places = [];
  run = { tag: '0123456789abcdef', workdir: path('/data/.xqute'), scheduler: 'local', forks: 4, attributes: [] };
  now = 1_700_000_000_000;
  elapsed = 0;
  calls = [];
  log = [];
  values = new Map();

  constructor(given = {}) {
    Object.assign(this, given);
    current = this;
  }

  /** The messages that the plugin wrote to the log, one a line. */
  get logText() {
    return this.log.map(([, message]) => `${message}\n`).join('');
  }
}

new Host();

function runProgram(program, args, stdin) {
  const line = [program, ...args].map((word) => (/^[\w%+,./:=@-]+$/.test(word) ? word : `'${word}'`)).join(' ');
  const call = { program, args, stdin, line };
  current.calls.push(call);
  const answer = current.programs[program];
  if (answer === undefined) throw new HostError('denied', `\`${program}\` was not granted`);
  return answer(call);
}

function set(key, value) {
  if (encoder.encode(key).length > 256 || value.length > 65536) {
    throw new HostError('rejected', `the key \`${key}\` or its value is too long`);
  }
  current.values.set(key, value);
}

function known(text) {
  const answer = current.mounts[text];
  if (answer === undefined) throw new HostError('invalid-options', `\`mounts\` of this test does not have \`${text}\``);
  return answer;
}

function readMounts(texts, more) {
  const all = texts.map((text) => known(text)[1]);
  return {
    mounts: [...all.flatMap(({ mounts }) => mounts), ...more],
    variables: all.flatMap(({ variables }) => variables),
  };
}

/** What stands in for the host: functions of the same names and types as the imports. */
export const host = {
  process: { run: runProgram },
  log: { write: (level, message) => void current.log.push([level, message]) },
  keyValue: {
    get: (key) => current.values.get(key),
    set,
    remove: (key) => current.values.delete(key),
    keys: (prefix) => [...current.values.keys()].filter((key) => key.startsWith(prefix)).sort(),
  },
  clock: { now: () => BigInt(current.now), elapsed: () => BigInt(current.elapsed) },
  mounts: {
    sources: (texts) => texts.map((text) => known(text)[0]),
    read: readMounts,
    seen: (mounts, spec) => current.places.find((place) => place.spec === spec),
    meant: (mounts, mounted) => current.places.find((place) => place.mounted === mounted),
  },
  run: { info: () => current.run, options: () => current.options, job: (index) => current.jobs[index] },
};
