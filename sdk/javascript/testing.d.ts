/** Tests a plugin natively, without a host and without WebAssembly. */

import type { Job, JobFact, Mounted, Options, Path, RunInfo } from './index.js';

/** What a program answers. */
export interface Answer {
  exit: { tag: 'code' | 'signal'; val: number };
  stdout: Uint8Array;
  stderr: Uint8Array;
}

/** A program that the plugin ran; `line` shows it as one would type it. */
export interface Call {
  program: string;
  args: string[];
  stdin: Uint8Array;
  line: string;
}

/** The host of the tests, in use from now on. */
export class Host {
  constructor(given?: Partial<Pick<Host, 'programs' | 'options' | 'jobs' | 'mounts' | 'places' | 'run' | 'now' | 'elapsed'>>);
  /** The programs that exist and are granted, and what they answer. */
  programs: Record<string, (call: Call) => Answer>;
  /** What the user gave to the plugin. */
  options: Options;
  jobs: Record<number, Job>;
  /** What a user may write about mounts: what that mounts, and what becomes of it. The host's rules are not here. */
  mounts: Record<string, [string, Mounted]>;
  /** The places that jobs see. */
  places: Path[];
  run: RunInfo;
  /** Milliseconds since the Unix epoch. */
  now: number;
  /** Milliseconds since the run started. */
  elapsed: number;
  /** The programs that the plugin ran, in order. */
  calls: Call[];
  /** What the plugin wrote to the log: level and message. */
  log: [string, string][];
  values: Map<string, Uint8Array>;
  /** The messages that the plugin wrote to the log, one a line. */
  get logText(): string;
}

/** The answer of a program that prints this and succeeds. */
export function prints(stdout: string): Answer;
/** The answer of a program that prints this to stderr and fails. */
export function fails(code: number, stderr: string): Answer;
/** A path that both sides see as the same. */
export function path(text: string): Path;
/** A job with this index and this line of bash. Everything else is as plain as can be; change what matters. */
export function job(index: number, line: string, changes?: Partial<Job>): Job;
/** This happened to the first attempt of a job. */
export function fact(index: number, event: JobFact['event'], changes?: Partial<JobFact>): JobFact;
