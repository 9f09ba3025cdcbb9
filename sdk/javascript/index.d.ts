/** Write xqute plugins in JavaScript or TypeScript. This is the reference of the SDK. */

/** One place with its two faces: as the host sees it and as the job sees it. */
export interface Path {
  spec: string;
  mounted: string;
}

/** What a job executes: a program and its arguments, or one line of bash. */
export type Command = { tag: 'argv'; val: string[] } | { tag: 'shell'; val: string };

/** Options in order; look them up with `value` and `values`. */
export type Options = [string, string][];

/** One attempt of a job, by value: changing it changes nothing in the host. */
export interface Job {
  /** The job's number in its run, from 0. */
  index: number;
  /** Which try of the job this is; the first is 1. */
  attempt: number;
  name: string;
  /** For display and decisions only; the script is what runs. */
  command: Command;
  env: [string, string][];
  cwd?: Path;
  /** The job directory. */
  dir: Path;
  /** The script to hand to a backend. */
  script: Path;
  timeoutSeconds?: number;
  /** Scheduler options: the run's and then the job's own. */
  options: Options;
  attributes: [string, string][];
}

/** How a backend knows an attempt that was submitted. */
export interface JobRef {
  index: number;
  attempt: number;
  backendId: string;
}

/** Facts about the run that a plugin works in. */
export interface RunInfo {
  /** Identifies this run among all others: 16 lower-case hexadecimal digits. */
  tag: string;
  workdir: Path;
  scheduler: string;
  /** The most jobs in flight at once. */
  forks: number;
  attributes: [string, string][];
}

/** Why an attempt failed. */
export type FailureCause =
  | { tag: 'exit-code' | 'signal'; val: number }
  | { tag: 'timed-out' | 'out-of-memory' | 'preempted' | 'node-failure' | 'lost' }
  | { tag: 'never-started' | 'submission-failed' | 'other'; val: string };

/** What a backend says about an attempt. `unknown`: it gave no answer, which does not mean that the job is gone. */
export type Observation =
  | { tag: 'queued'; val?: string }
  | { tag: 'running' | 'succeeded' | 'cancelled' | 'unknown' }
  | { tag: 'failed'; val: FailureCause };

/** What happened to an attempt. `run.job` has the rest. */
export interface JobFact {
  event: 'init' | 'queued' | 'submitted' | 'started' | 'polling' | 'killed' | 'failed' | 'succeeded';
  job: number;
  attempt: number;
  cause?: FailureCause;
  /** With `failed`: whether another attempt follows. */
  willRetry: boolean;
}

/** Something that a plugin may not do unless the user grants it. */
export type Right = { tag: 'run' | 'read' | 'write' | 'net' | 'env'; val: string } | { tag: 'script' };

/** An option that the plugin understands. Those that are not listed are refused when a user gives them. */
export interface Option {
  name: string;
  summary: string;
  default?: string;
  repeatable?: boolean;
}

/** Limits that differ from the host's defaults. */
export interface Limits {
  memoryMib?: number;
  callMs?: number;
  instances?: number;
}

/** Says what package.json does not: every field is optional. */
export class Plugin {
  /** 1 to 32 of `a-z`, `0-9`, `-`, `_`, starting with a letter. Else the package's name, without `xqute-` in front. */
  static pluginName?: string;
  /** One line for the user. Else the package's description. */
  static summary?: string;
  /**
   * What the plugin may ever want to do. `script` is added where the classes need it. With `net` there is `fetch`, for hosts that
   * the user granted.
   */
  static rights: Right[];
  /** Programs that it starts, see `process`: the rights to do so. */
  static runs: string[];
  static options: Option[];
  /** Plugins are called, and their snippets pasted, from the highest priority to the lowest. */
  static priority: number;
  static limits: Limits;
}

/** An answer, or the promise of one: such a function may be `async`. The host waits, as long as a call may take. */
export type Later<T> = T | Promise<T>;

/** Is told what happened, in order, some time after it happened: a slow observer slows no job. */
export class Observer {
  /** The run starts. Comes first. */
  onInit(): Later<void>;
  /** The run is over. Comes last, with the name of the signal that stopped the run, if one did. */
  onShutdown(signal?: string): Later<void>;
  /** A job was accepted. */
  onJobInit(job: JobFact): Later<void>;
  /** An attempt waits for its turn. */
  onJobQueued(job: JobFact): Later<void>;
  /** The scheduler took the attempt. */
  onJobSubmitted(job: JobFact): Later<void>;
  /** The attempt runs. Always comes before its end. */
  onJobStarted(job: JobFact): Later<void>;
  /** The state of a running attempt was asked for once more. */
  onJobPolling(job: JobFact): Later<void>;
  /** The job was cancelled: killed, or never allowed to start. */
  onJobKilled(job: JobFact): Later<void>;
  /** An attempt failed. `job.willRetry` tells whether another one follows. */
  onJobFailed(job: JobFact, cause: FailureCause): Later<void>;
  /** The job succeeded. */
  onJobSucceeded(job: JobFact): Later<void>;
}

/** An objection, with the reason that the user will read. */
export interface Veto {
  tag: 'veto';
  val: string;
}

export function veto(reason: string): Veto;

/** Is asked before something happens, and objects by returning a veto. */
export class Gatekeeper {
  /** This signal asks the run to stop; a veto lets it go on. A second signal is not asked about. */
  onShutdown(signal: string): Later<Veto | void>;
  /** An attempt is about to be submitted; a veto cancels the job. */
  onJobSubmitting(job: Job): Later<Veto | void>;
  /** An attempt is about to be killed; a veto lets it run on. */
  onJobKilling(job: Job): Later<Veto | void>;
}

/** Adds bash to job scripts, and asks for the right `script`. Use `quote` for every text that is pasted. */
export class Snippets {
  /** Bash for the start of the script, before the prescript. */
  onJobcmdInit(job: Job): string | undefined;
  /** Bash for right before the command; `$cmd` holds the command line and may be assigned. */
  onJobcmdPrep(job: Job): string | undefined;
  /** Bash for after the command, its exit code being recorded; `$rc` holds it. */
  onJobcmdEnd(job: Job): string | undefined;
}

/** What a backend wants to see at the top of a job's script. */
export interface Wrapping {
  /** Lines that start with `#`. */
  directives?: string[];
  /** The bash that runs it, if not the usual one, without `#!`. */
  shebang?: string;
}

/**
 * Hands jobs to a backend and asks about them; users choose it by the plugin's name.
 *
 * Every list that is returned has exactly one entry for each entry of the list that was given, in the same order. An entry may
 * be a PluginError, returned and not thrown: then it is about that job alone. One that is thrown is about all of them. The host
 * keeps several instances and throws them away as it likes: nothing that matters may be kept in memory between calls.
 */
export class Scheduler {
  /** Called once in each instance before anything else. Throw InvalidOptions if the options make no sense. */
  open(options: Options, run: RunInfo): Later<void>;
  /** Writing it asks for the right `script`. */
  wrap(jobs: Job[]): Later<(Wrapping | PluginError)[]>;
  /** Submits attempts; returns the id by which the backend knows each. Idempotent on run tag, index and attempt. */
  submit(jobs: Job[]): Later<(string | PluginError)[]>;
  /**
   * Asks about all attempts in flight, with as few questions to the backend as possible. A PluginError that is thrown says that
   * the question failed, and nothing about any job: the host asks again later.
   */
  poll(jobs: JobRef[]): Later<Observation[]>;
  /** Cancels attempts. Cancelling what has ended already, or is unknown, is a success. */
  cancel(jobs: JobRef[]): Later<(undefined | PluginError)[]>;
  /** The attempts of a run that the backend knows of, ended or not: how jobs are adopted after a crash. */
  find(runTag: string): Later<JobRef[]>;
}

/** Why a call failed; the class says what the host will do. This one: the attempt fails, and is not tried again. */
export class PluginError extends Error {}
/** A right is missing. The user is told which flag would grant it. */
export class Denied extends PluginError {}
/** The backend asks for patience. Tried again. */
export class RateLimited extends PluginError {
  constructor(milliseconds?: number);
  milliseconds?: number;
}
/** The backend cannot be reached just now. Tried again; no job fails because of it. */
export class Unavailable extends PluginError {}
/** The backend refused this very request: the attempt fails with this text. */
export class Rejected extends PluginError {}
/** An option is unknown or has a bad value. The run does not start, or the attempt fails. */
export class InvalidOptions extends PluginError {}

/** What a program left. */
export interface Output {
  /** Its exit code, or minus the signal that ended it. */
  code: number;
  stdout: Uint8Array;
  stderr: Uint8Array;
  /** Its standard output; what is not UTF-8 shows up as U+FFFD. */
  text: string;
  errorText: string;
}

/** Programs on the machine of the host. Each needs the right `run`, see `Plugin.runs`. */
export const process: {
  /**
   * Runs a program to its end. No shell is involved; the environment is the host's with `LC_ALL=C`.
   *
   * Throws Denied if the program was not granted; Rejected if it could not be started, wrote more than 16 MiB, or an argument has
   * a NUL. A program that ran and failed is not an error: see `code`.
   */
  run(program: string, args?: string[], input?: string | Uint8Array): Output;
};

/** The log of the host. A message over 8 KiB is cut. */
export const log: Record<'trace' | 'debug' | 'info' | 'warn' | 'error', (message: unknown) => void>;

/** Small values that outlive the instance: what one call stores, a later call sees, in every class of the plugin. */
export const kv: {
  get(key: string): Uint8Array | undefined;
  text(key: string): string | undefined;
  /** The value as a number; 0 if it is missing or something else. */
  number(key: string): number;
  /** Throws Rejected for a key over 256 bytes, a value over 64 KiB, or more than 1 MiB in all. */
  set(key: string, value: string | Uint8Array): void;
  /** Adds to a number and returns the sum. Two instances that do it at the same time may lose one of the two. */
  add(key: string, amount: number): number;
  /** Tells whether there was something to remove. */
  remove(key: string): boolean;
  /** All keys that start with this text, sorted. */
  keys(prefix?: string): string[];
};

/** The run's clock. */
export const clock: {
  now(): Date;
  /** Milliseconds since the run started; never goes back. */
  elapsed(): number;
};

/** What a plugin may know of its run. */
export const run: {
  info(): RunInfo;
  /** The options that the user gave to this plugin. */
  options(): Options;
  /** One job of the run, in its latest attempt. */
  job(index: number): Job | undefined;
};

/** One mount: a path of the host, or a place in a store, and where jobs see it. */
export interface Mount {
  source: string;
  target: string;
  readOnly: boolean;
}

/** What is to be mounted, all in all, and the variables that tell jobs where the mounts with names are. */
export interface Mounted {
  mounts: Mount[];
  variables: [string, string][];
}

/**
 * What is mounted where for jobs: what users write is read and judged by the host, by the same rules for all schedulers. In native
 * tests a Host answers what the test says. All throw InvalidOptions, in words for users.
 */
export const mounts: {
  /**
   * What is mounted by each text, in the same order: for a plugin that does not take all of it, or that has to find out which of
   * it are files.
   */
  sources(texts: string[]): string[];
  /**
   * Reads what users write: `SOURCE:PATH`, `SOURCE:PATH:ro`, or `NAME=SOURCE`, which is mounted at `ROOT/NAMED_MOUNTS/NAME` and
   * tells jobs so in the variable `NAME`. Of `files`, which are the sources that are no folders, the folder is mounted, if they
   * have a name. `more` are mounts of the plugin itself, which are judged together with the others. `root` is `/mnt/disks` if it
   * is not given.
   */
  read(texts: string[], also?: { more?: Mount[]; root?: string; files?: string[] }): Mounted;
  /** Both faces of a place of the host, or in a store; none where jobs do not see it. */
  seen(mounts: Mount[], spec: string): Path | undefined;
  /** Both faces of an absolute path of jobs; none where nothing is mounted. */
  meant(mounts: Mount[], mounted: string): Path | undefined;
};

/** All values that were given for an option, in order. `-` and `_` in names are the same. */
export function values(options: Options, name: string): string[];
/** The value of an option. The last one counts. */
export function value(options: Options, name: string): string | undefined;
export function value(options: Options, name: string, fallback: string): string;
/** Quotes a text for bash: it arrives as one word, exactly as it is, whatever is in it. */
export function quote(text: string): string;
/** The command as one would type it. For people and decisions; the job's script is what runs. */
export function commandLine(job: Job): string;
/** Why an attempt failed, in a few words for users. */
export function causeText(cause: FailureCause): string;
