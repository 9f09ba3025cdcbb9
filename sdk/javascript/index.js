// Write xqute plugins in JavaScript or TypeScript; index.d.ts is the reference.
//
// A plugin is a WebAssembly component. Its module `plugin.js` (or `plugin.ts`) exports classes derived from Observer,
// Gatekeeper, Snippets or Scheduler, and a Plugin that says what package.json does not. Functions that are not written cost
// nothing.
//
// `hooks.js` holds the classes, `host.js` what a plugin may ask of the host, `values.js` what values need; `guest.js` is what
// the host calls, `build.js` makes components, `testing.js` stands in for the host in tests.

export { Gatekeeper, Observer, Plugin, Scheduler, Snippets, veto } from './hooks.js';
export { clock, kv, log, mounts, process, run } from './host.js';
export {
  Denied,
  InvalidOptions,
  PluginError,
  RateLimited,
  Rejected,
  Unavailable,
  causeText,
  commandLine,
  quote,
  value,
  values,
} from './values.js';
