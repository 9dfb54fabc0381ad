// @medplum/core's part of the benchmark: facts through the FHIR Mapping Language.
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const [, , library, path] = process.argv;
const { parseMappingLanguage, structureMapTransform, toTypedValue } = await import(pathToFileURL(library).href);
const WARM = 20;
const TYPES = {
  condition: 'Condition',
  procedure: 'Procedure',
  medication: 'MedicationAdministration',
  adverse_event: 'AdverseEvent',
};

// One map a type, as a mapping engine is used: the type is known before.
function mapOf(type) {
  return parseMappingLanguage(`
map "urn:benchmark:${type}" = "${type}"
group main(source f, target r) {
  f -> r.resourceType = '${type}' "type";
  f.id as v -> r.id = v "id";
  f -> r.status = 'final' "status";
  f -> r.code as c then {
    f.label as v -> c.text = v "text";
    f.codes as k -> c.coding as d then {
      k.system as v -> d.system = v "system";
      k.code as v -> d.code = v "value";
      k.display as v -> d.display = v "display";
    } "coding";
  } "code";
  f.patient as p -> r.subject as s, s.reference = append('urn:', p) "subject";
}`);
}

const maps = new Map();
function resourceOf(fact, type) {
  if (!maps.has(type)) {
    maps.set(type, mapOf(type));
  }
  return structureMapTransform(maps.get(type), [toTypedValue(fact)])[0].value;
}

function convert(line) {
  const document = JSON.parse(line);
  const entry = document.patients.map((patient) => ({ resource: { resourceType: 'Patient', id: patient.id } }));
  for (const fact of document.facts) {
    entry.push({ fullUrl: `urn:${fact.id}`, resource: resourceOf(fact, TYPES[fact.kind] ?? 'Observation') });
  }
  const bundle = { resourceType: 'Bundle', type: 'transaction', entry };
  return [entry.length, Buffer.byteLength(JSON.stringify(bundle))];
}

const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
lines.slice(0, WARM).forEach(convert);
const begun = process.hrtime.bigint();
const used = process.cpuUsage();
const made = lines.map(convert);
const seconds = Number(process.hrtime.bigint() - begun) / 1e9;
const { user, system } = process.cpuUsage(used);
const sum = (place) => made.reduce((total, each) => total + each[place], 0);
console.log(
  JSON.stringify({
    documents: lines.length,
    resources: sum(0),
    bytes: sum(1),
    seconds,
    cpu_seconds: (user + system) / 1e6,
    peak_mb: process.resourceUsage().maxRSS / 1024,
  })
);
