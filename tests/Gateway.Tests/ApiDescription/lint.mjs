// Lints the server's OpenAPI document with Redocly's recommended rules, and prints what it finds. Left out is what does not fit here:
// routes that are there to be refused have no answer, files have no fault, and what streams consist of is named by a word of our own.
import { spawnSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { randomUUID } from "node:crypto";

const file = `openapi-${randomUUID()}.json`;
writeFileSync(file, await (await fetch(`${process.argv[2]}/openapi.json`)).text());
const skipped = ["operation-2xx-response", "operation-4xx-response", "no-unused-components"].map(rule => `--skip-rule=${rule}`);
const settings = { REDOCLY_TELEMETRY: "off", REDOCLY_SUPPRESS_UPDATE_NOTICE: "true" };
const run = spawnSync(
  process.execPath,
  ["node_modules/@redocly/cli/bin/cli.js", "lint", file, "--extends=recommended", "--format=json", "--max-problems=1000", ...skipped],
  { env: { ...process.env, ...settings }, encoding: "utf8" });
rmSync(file);
const problems = JSON.parse(run.stdout.slice(run.stdout.indexOf("{"))).problems;
console.log(JSON.stringify(problems.map(problem => [problem.severity, problem.ruleId, problem.message, problem.location?.[0]?.pointer])));
