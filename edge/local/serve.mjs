/**
 * Runs the worker on workerd: `node local/serve.mjs CONFIG.json`, until SIGTERM or SIGINT.
 *
 * The local cloud starts it for a declared worker. CONFIG.json holds what Cloudflare would be told:
 *
 *     {"script": path, "host": ..., "port": ..., "compatibility_date": ...,
 *      "bindings": {NAME: text}, "ratelimits": {NAME: {"limit": n, "period": 10 | 60}}}
 *
 * Cache and counters live in memory: they are empty after a start, as in a data centre that is new.
 */

import { readFile } from "node:fs/promises";

import { Log, LogLevel, Miniflare } from "miniflare";

const [file] = process.argv.slice(2);
if (file === undefined) {
  console.error("usage: node local/serve.mjs CONFIG.json");
  process.exit(2);
}

/** Options of miniflare for such a config. */
function optionsOf(config, script) {
  const ratelimits = Object.entries(config.ratelimits).map(([name, simple], index) => [
    name,
    { namespace_id: index + 1, simple },
  ]);
  return {
    host: config.host,
    port: config.port,
    // As text: a path outside the working directory is none to workerd.
    modules: [{ type: "ESModule", path: "worker.js", contents: script }],
    compatibilityDate: config.compatibility_date,
    bindings: config.bindings,
    ratelimits: Object.fromEntries(ratelimits),
    cf: false,
    log: new Log(LogLevel.WARN),
  };
}

const config = JSON.parse(await readFile(file, "utf8"));
const worker = new Miniflare(optionsOf(config, await readFile(config.script, "utf8")));
for (const signal of ["SIGTERM", "SIGINT"]) {
  process.on(signal, () => {
    void worker.dispose().then(() => process.exit(0));
  });
}
console.log(`serving at ${await worker.ready}`);
