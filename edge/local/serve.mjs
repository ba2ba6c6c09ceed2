/**
 * Runs the worker on workerd: `node local/serve.mjs CONFIG.json`, until SIGTERM or SIGINT.
 *
 * The local cloud starts it for a declared worker. CONFIG.json contains the worker's settings:
 *
 *     {"script": path, "host": ..., "port": ..., "compatibility_date": ...,
 *      "bindings": {NAME: text}, "ratelimits": {NAME: {"limit": n, "period": 10 | 60}},
 *      "names": {HOST: "address:port"}, "trusted": [PEM]}
 *
 * `names` resolves the hosts of `https:` URLs, and `trusted` has the trusted certificates. Certificates
 * are checked by name and signature. The worker reaches this machine only. Cache and counters are in
 * memory, and empty after a start.
 */

import { readFile } from "node:fs/promises";

import { Log, LogLevel, Miniflare } from "miniflare";

const OUTBOUND = "outbound";
/** Sends the worker's requests to the service of their host, or else to their address. */
const OUTBOUND_SCRIPT = `export default {
  fetch: (request, env) => (env[new URL(request.url).host] ?? env.NETWORK).fetch(request),
};`;

const [file] = process.argv.slice(2);
if (file === undefined) {
  console.error("usage: node local/serve.mjs CONFIG.json");
  process.exit(2);
}

/** Return a module as text, because workerd accepts no path outside the working directory. */
function moduleOf(path, contents) {
  return [{ type: "ESModule", path, contents }];
}

/** Return one host, reached by TLS with a certificate of its name. */
function hostAt(host, address, tlsOptions) {
  const certificateHost = host.replace(/:\d+$/, "");
  // Without `http: null`, miniflare treats it as a plain HTTP server and drops `https`.
  return { external: { address, http: null, https: { options: {}, tlsOptions, certificateHost } } };
}

/** Return miniflare's options for a config. */
function optionsOf(config, script) {
  const ratelimits = Object.entries(config.ratelimits).map(([name, simple], index) => [
    name,
    { namespace_id: index + 1, simple },
  ]);
  const tlsOptions = { trustBrowserCas: false, trustedCertificates: config.trusted };
  const hosts = Object.entries(config.names).map(([host, address]) => [
    host,
    hostAt(host, address, tlsOptions),
  ]);
  return {
    host: config.host,
    port: config.port,
    cf: false,
    log: new Log(LogLevel.WARN),
    workers: [
      {
        name: "edge",
        modules: moduleOf("worker.js", script),
        compatibilityDate: config.compatibility_date,
        bindings: config.bindings,
        ratelimits: Object.fromEntries(ratelimits),
        outboundService: OUTBOUND,
      },
      {
        name: OUTBOUND,
        modules: moduleOf("outbound.js", OUTBOUND_SCRIPT),
        compatibilityDate: config.compatibility_date,
        serviceBindings: {
          ...Object.fromEntries(hosts),
          NETWORK: { network: { allow: ["local"], tlsOptions } },
        },
      },
    ],
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
