// What the contract's values need beyond being data: errors as exceptions, options, quoting.

/** Why a call failed; the class says what the host will do. This one: the attempt fails, and is not tried again. */
export class PluginError extends Error {
  static tag = 'other';

  /** The error as the host wants it. */
  get contract() {
    return { tag: this.constructor.tag, val: this.message };
  }
}

/** A right is missing. The user is told which flag would grant it. */
export class Denied extends PluginError {
  static tag = 'denied';
}

/** The backend asks for patience. Tried again. */
export class RateLimited extends PluginError {
  static tag = 'rate-limited';

  constructor(milliseconds) {
    super('the backend asks for patience');
    this.milliseconds = milliseconds;
  }

  get contract() {
    return { tag: 'rate-limited', val: this.milliseconds };
  }
}

/** The backend cannot be reached just now. Tried again; no job fails because of it. */
export class Unavailable extends PluginError {
  static tag = 'unavailable';
}

/** The backend refused this very request: the attempt fails with this text. */
export class Rejected extends PluginError {
  static tag = 'rejected';
}

/** An option is unknown or has a bad value. The run does not start, or the attempt fails. */
export class InvalidOptions extends PluginError {
  static tag = 'invalid-options';
}

const KINDS = new Map([Denied, Unavailable, Rejected, InvalidOptions].map((kind) => [kind.tag, kind]));

/** Calls the host, and turns its errors into exceptions of a plugin. */
export function asking(call) {
  try {
    return call();
  } catch (error) {
    const { tag, val } = error?.payload ?? {};
    if (tag === undefined) throw error;
    if (tag === 'rate-limited') throw new RateLimited(val);
    throw new (KINDS.get(tag) ?? PluginError)(val);
  }
}

const dashed = (name) => name.replaceAll('_', '-');

/** All values that were given for an option, in order. `-` and `_` in names are the same. */
export function values(options, name) {
  return options.filter(([key]) => dashed(key) === dashed(name)).map(([, text]) => text);
}

/** The value of an option. The last one counts. */
export function value(options, name, fallback) {
  return values(options, name).at(-1) ?? fallback;
}

/** Quotes a text for bash: it arrives as one word, exactly as it is, whatever is in it. */
export function quote(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** The command as one would type it. For people and decisions; the job's script is what runs. */
export function commandLine(job) {
  if (job.command.tag === 'shell') return job.command.val;
  return job.command.val.map((word) => (/^[\w%+,./:=@-]+$/.test(word) ? word : quote(word))).join(' ');
}

const CAUSES = {
  'exit-code': (code) => `exit code ${code}`,
  signal: (number) => `signal ${number}`,
  'timed-out': () => 'timed out',
  'out-of-memory': () => 'out of memory',
  preempted: () => 'preempted',
  'node-failure': () => 'the machine failed',
  'never-started': (why) => `never started: ${why}`,
  lost: () => 'lost',
  'submission-failed': (why) => `submission failed: ${why}`,
  other: (why) => why,
};

/** Why an attempt failed, in a few words for users. */
export function causeText({ tag, val }) {
  return CAUSES[tag](val);
}
