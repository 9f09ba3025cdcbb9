// What the host calls: the contract's interfaces, with a plugin's classes behind them.

import { Gatekeeper, Observer, Plugin, Scheduler, Snippets } from './hooks.js';
import { log } from './host.js';
import { PluginError } from './values.js';

/** The interfaces of the contract, and their classes. */
export const PARTS = { observer: Observer, gatekeeper: Gatekeeper, snippets: Snippets, scheduler: Scheduler };

/** The plugin's classes do not make a plugin; the message says what to change. */
export class BadPlugin extends Error {}

const kebab = (name) => name.replace(/^on/, '').replace(/(?!^)([A-Z])/g, '-$1').toLowerCase();

/** The functions of a base class that a class has written itself. */
function written(base, cls) {
  const names = Object.getOwnPropertyNames(base.prototype).filter((name) => name !== 'constructor');
  return names.filter((name) => cls.prototype[name] !== base.prototype[name]);
}

/** The class of a module for each interface. */
export function findParts(module) {
  const classes = Object.values(module).filter((thing) => typeof thing === 'function');
  const found = {};
  for (const [part, base] of Object.entries({ about: Plugin, ...PARTS })) {
    const these = [...new Set(classes)].filter((cls) => cls.prototype instanceof base);
    if (these.length > 1) {
      const names = these.map((cls) => cls.name).join(', ');
      throw new BadPlugin(`several classes are a ${base.name}: ${names}; export only one`);
    }
    if (these.length === 0) continue;
    if (part in PARTS && written(base, these[0]).length === 0) {
      throw new BadPlugin(`${these[0].name} is a ${base.name}, but writes none of its functions`);
    }
    found[part] = these[0];
  }
  if (Object.keys(found).every((part) => part === 'about')) {
    const names = Object.values(PARTS).map((base) => base.name);
    throw new BadPlugin(`the plugin's module exports no class that is one of these: ${names.join(', ')}`);
  }
  return found;
}

function hooks(parts) {
  const names = ['observer', 'gatekeeper', 'snippets']
    .filter((part) => part in parts)
    .flatMap((part) => written(PARTS[part], parts[part]));
  return [...new Set(names.map(kebab))];
}

/** The description of the plugin that these classes make. */
function describe(parts, project) {
  const about = parts.about ?? Plugin;
  const rights = [...about.rights, ...about.runs.map((program) => ({ tag: 'run', val: program }))];
  const scripts = 'snippets' in parts || ('scheduler' in parts && written(Scheduler, parts.scheduler).includes('wrap'));
  if (scripts) rights.push({ tag: 'script' });
  return {
    name: about.pluginName ?? project.name.replace(/^(@[^/]*\/)?(xqute-)?/, ''),
    version: project.version,
    summary: about.summary ?? project.summary,
    rights,
    hooks: hooks(parts),
    options: about.options.map((option) => ({ repeatable: false, ...option })),
    limits: about.limits,
    priority: about.priority,
    attributes: [],
  };
}

/** What comes next, at once if nothing has to be waited for. */
const then = (value, next) => (value instanceof Promise ? value.then(next) : next(value));

/** Has the log say what went wrong before the call ends in a trap; errors of plugins go to the host as they are. */
function fail(error) {
  if (error instanceof PluginError) throw error.contract;
  log.error(`${error}\n${error?.stack ?? ''}`.trimEnd());
  throw error;
}

/** A call whose error, thrown now or later, has another end. */
const caught = (call, otherwise) =>
  (...args) => {
    try {
      const answer = call(...args);
      return answer instanceof Promise ? answer.catch((error) => otherwise(error, ...args)) : answer;
    } catch (error) {
      return otherwise(error, ...args);
    }
  };

const told = (call) => caught(call, fail);

/** The answers to one call after the other. A promise only where one of them has to be waited for. */
function inOrder(things, call) {
  const answers = [];
  for (const thing of things) {
    const answer = call(thing);
    if (answer instanceof Promise) return waiting(answers, answer, things.slice(answers.length + 1), call);
    answers.push(answer);
  }
  return answers;
}

async function waiting(answers, first, others, call) {
  answers.push(await first);
  for (const thing of others) answers.push(await call(thing));
  return answers;
}

const EVENTS = ['init', 'queued', 'submitted', 'started', 'polling', 'killed', 'failed', 'succeeded'];
const TELL = Object.fromEntries(EVENTS.map((event) => [event, `onJob${event[0].toUpperCase()}${event.slice(1)}`]));
const lost = { tag: 'other', val: 'the host gave no cause' };

function tell(plugin, { tag, val }) {
  if (tag === 'job') {
    if (val.event === 'failed') return plugin.onJobFailed(val, val.cause ?? lost);
    return plugin[TELL[val.event]](val);
  }
  return tag === 'init' ? plugin.onInit() : plugin.onShutdown(val);
}

const ASK = { shutdown: 'onShutdown', 'job-submitting': 'onJobSubmitting', 'job-killing': 'onJobKilling' };

function verdict(answer) {
  if (answer === undefined) return { tag: 'proceed' };
  if (answer?.tag === 'veto') return answer;
  throw new TypeError(`a gatekeeper returns nothing or a veto, not ${JSON.stringify(answer)}`);
}

const decide = (plugin, { tag, val }) => then(plugin[ASK[tag]](val), verdict);

const provide = (plugin, job) => ({
  init: plugin.onJobcmdInit(job),
  prep: plugin.onJobcmdPrep(job),
  end: plugin.onJobcmdEnd(job),
});

const result = (entry) => (entry instanceof PluginError ? { tag: 'err', val: entry.contract } : { tag: 'ok', val: entry });
const wrapping = (entry) => (entry instanceof PluginError ? entry : { directives: [], ...entry });

/** One result for each job. An error that is thrown is about all of them. */
const forEach = (hand) =>
  caught(
    (jobs) => then(hand(jobs), (entries) => entries.map(result)),
    (error, jobs) => (error instanceof PluginError ? jobs.map(() => result(error)) : fail(error)),
  );

const BEHIND = {
  observer: (plugin) => ({ observe: told((facts) => then(inOrder(facts, (fact) => tell(plugin, fact)), () => {})) }),
  gatekeeper: (plugin) => ({ decide: told((questions) => inOrder(questions, (question) => decide(plugin, question))) }),
  snippets: (plugin) => ({ provide: told((jobs) => jobs.map((job) => provide(plugin, job))) }),
  scheduler: (plugin) => ({
    open: told((options, run) => plugin.open(options, run)),
    wrap: forEach((jobs) => then(plugin.wrap(jobs), (entries) => entries.map(wrapping))),
    submit: forEach((jobs) => plugin.submit(jobs)),
    poll: told((jobs) => plugin.poll(jobs)),
    cancel: forEach((jobs) => plugin.cancel(jobs)),
    find: told((runTag) => plugin.find(runTag)),
  }),
};

/** What a component exports, by the names of the interfaces. */
export function guest(module, project) {
  const parts = findParts(module);
  const description = describe(parts, project);
  const exports = { about: { describe: () => description } };
  for (const part of Object.keys(parts).filter((part) => part in PARTS)) {
    exports[part] = BEHIND[part](new parts[part]());
  }
  return exports;
}
