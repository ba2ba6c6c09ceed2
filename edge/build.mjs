/**
 * Bundles the worker into dist/worker.js, and with --tests the tests into dist/test/.
 *
 * The bundle is not minified, so that it can be read at the edge. It contains no path and no date:
 * the same sources give the same bytes, and therefore no change at the next update.
 */

import { readdir, rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

const root = fileURLToPath(new URL(".", import.meta.url));
const common = { absWorkingDir: root, bundle: true, format: "esm", logLevel: "warning" };

await build({
  ...common,
  entryPoints: ["src/index.ts"],
  outfile: "dist/worker.js",
  target: "es2022",
  conditions: ["workerd", "worker", "browser"],
  legalComments: "inline",
});

if (process.argv.includes("--tests")) {
  await rm(`${root}dist/test`, { recursive: true, force: true });
  const tests = (await readdir(`${root}test`)).filter((name) => name.endsWith(".test.ts"));
  await build({
    ...common,
    entryPoints: tests.map((name) => `test/${name}`),
    outdir: "dist/test",
    outExtension: { ".js": ".mjs" },
    platform: "node",
    target: "node18",
    packages: "external",
  });
}
