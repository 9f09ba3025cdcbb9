#!/usr/bin/env node
// Makes a component of a project: `xqute-plugin-build [DIR] [-o FILE]`.
//
// The project is a folder with `package.json` (name, version, description) and a module `plugin.js` or `plugin.ts`.

import { cp, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { componentize } from '@bytecodealliance/componentize-js';
import { build as bundle } from 'esbuild';

import { BadPlugin } from './guest.js';

const HERE = fileURLToPath(new URL('.', import.meta.url));

async function exists(file) {
  return stat(file).then(() => true, () => false);
}

/** What package.json says. */
async function readProject(folder) {
  const file = join(folder, 'package.json');
  if (!(await exists(file))) {
    throw new BadPlugin(`there is no ${file}; it has to say name, version and description`);
  }
  const { name, version, description } = JSON.parse(await readFile(file, 'utf8'));
  for (const [key, text] of Object.entries({ name, version, description })) {
    if (typeof text !== 'string') throw new BadPlugin(`${file} does not say "${key}"`);
  }
  return { name, version, summary: description };
}

async function findModule(folder) {
  for (const name of ['plugin.ts', 'plugin.js']) {
    if (await exists(join(folder, name))) return join(folder, name);
  }
  throw new BadPlugin(`there is neither plugin.js nor plugin.ts in ${folder}`);
}

/** One module with everything in it, for this kind of host. */
async function bundled(folder, code, conditions) {
  const made = await bundle({
    stdin: { contents: code, resolveDir: folder, sourcefile: 'component.js' },
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    external: ['xqute:*'],
    conditions,
    logLevel: 'silent',
  }).catch((error) => {
    throw new BadPlugin(error.errors.map((one) => `${one.location?.file}:${one.location?.line}: ${one.text}`).join('\n'));
  });
  return made.outputFiles[0].text;
}

/** The interfaces that the plugin's classes implement, and whether it asks for the network. */
async function examine(folder, module) {
  const code = `import * as plugin from ${JSON.stringify(module)};
    import { findParts } from 'xqute-plugin/guest';
    const parts = findParts(plugin);
    export const interfaces = Object.keys(parts);
    export const connects = (parts.about?.rights ?? []).some((right) => right.tag === 'net');`;
  const text = await bundled(folder, code, ['default']);
  const probe = await import(`data:text/javascript,${encodeURIComponent(text)}`).catch((error) => {
    throw new BadPlugin(error.message);
  });
  return { interfaces: [...new Set(['about', ...probe.interfaces])], connects: probe.connects };
}

async function findContract() {
  for (const place of [join(HERE, 'wit'), join(HERE, '../../wit')]) {
    if (await exists(place)) return place;
  }
  throw new BadPlugin(`the contract is missing in ${HERE}`);
}

/** Makes the component, and returns where it is. */
export async function build(folder, output) {
  const project = await readProject(folder);
  const module = await findModule(folder);
  const { interfaces, connects } = await examine(folder, module);
  const code = `import * as plugin from ${JSON.stringify(module)};
    import { guest } from 'xqute-plugin/guest';
    export const { ${interfaces.join(', ')} } = guest(plugin, ${JSON.stringify(project)});`;
  const stage = await mkdtemp(join(tmpdir(), 'xqute-plugin-'));
  try {
    const witPath = join(stage, 'wit');
    await cp(await findContract(), witPath, { recursive: true });
    const exported = interfaces.map((name) => `    export ${name};\n`).join('');
    const world = `package xqute:plugin@0.1.0;\n\nworld built {\n    include imports;\n${exported}}\n`;
    await writeFile(join(witPath, 'built.wit'), world);
    const sourcePath = join(stage, 'component.js');
    await writeFile(sourcePath, await bundled(folder, code, ['component']));
    // What it does not ask for it does not import: `fetch` takes the network, which takes the clock and streams.
    const disableFeatures = connects ? ['random', 'stdio', 'fetch-event'] : ['random', 'stdio', 'clocks', 'http', 'fetch-event'];
    const { component } = await componentize({ sourcePath, witPath, worldName: 'built', disableFeatures });
    const name = project.name.replace(/^(@[^/]*\/)?(xqute-)?/, '');
    const file = output ?? join(folder, `${name}.wasm`);
    await writeFile(file, component);
    return file;
  } finally {
    await rm(stage, { recursive: true });
  }
}

if (process.argv[1] !== undefined && (await import('node:fs')).realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const options = { output: { type: 'string', short: 'o' } };
  try {
    const { values, positionals } = parseArgs({ options, allowPositionals: true });
    console.log(await build(resolve(positionals[0] ?? '.'), values.output));
  } catch (error) {
    if (!(error instanceof BadPlugin)) throw error;
    console.error(`error: ${error.message}`);
    process.exitCode = 1;
  }
}
