import assert from "node:assert/strict";
import test from "node:test";
import { curlOf, fieldsOf, formsOf, partsOf } from "../../../../services/Gateway/wwwroot/schemas.js";

const line = (schema) => partsOf(schema).map((part) => (part.ref ? `<${part.ref}>` : part)).join("");

test("kinds of value are said in words, and null goes without saying", () => {
  assert.equal(line({}), "anything");
  assert.equal(line({ type: ["number", "null"], minimum: 0, maximum: 2 }), "number from 0 to 2");
  assert.equal(line({ type: "number", exclusiveMinimum: 0 }), "number above 0");
  assert.equal(line({ enum: ["a", "b", null] }), "\"a\", \"b\"");
  assert.equal(line({ const: false }), "false");
  assert.equal(line({ type: "null" }), "null");
  assert.equal(line({ type: "string", maxLength: 5 }), "string of at most 5 characters");
  assert.equal(line({ type: "object", additionalProperties: { type: "number" } }), "object of number");
  assert.equal(line({ type: "array", items: { $ref: "#/components/schemas/Tool" }, maxItems: 3 }), "array of <Tool>, at most 3");
  assert.equal(line({ type: "array", prefixItems: [{ type: "integer" }, { type: "number" }] }), "pair of integer and number");
  assert.equal(line({ anyOf: [{ type: "string" }, { $ref: "#/components/schemas/Tool" }, { type: "null" }] }), "string or <Tool>");
});

test("fields are those of the object, of an array's objects, or of the one kind that has any", () => {
  const object = { type: "object", properties: { a: { type: "string", description: "Says.", "x-other-servers": true } }, required: ["a"] };
  const field = { name: "a", schema: object.properties.a, text: "Says.", needed: true, other: true };
  assert.deepEqual(fieldsOf(object), [field]);
  assert.deepEqual(fieldsOf({ type: "array", items: object }), [field]);
  assert.deepEqual(fieldsOf({ anyOf: [{ type: "string" }, { type: "array", items: object }] }), [field]);
  assert.deepEqual(fieldsOf({ type: "string" }), []);
  assert.deepEqual(formsOf({ anyOf: [object, { type: "string" }] }), [object]);
});

test("a request for a shell has the key, the type and the example, safely quoted", () => {
  const body = { content: { "application/json": { example: { prompt: "it's" } } } };
  assert.equal(curlOf("POST", "/v1/x", { requestBody: body }, "http://h"),
    "curl -X POST http://h/v1/x \\\n  -H \"Authorization: Bearer $PARLEY_API_KEY\" \\\n  -H 'content-type: application/json' \\\n"
    + "  -d '{\"prompt\":\"it'\\''s\"}'");
  assert.equal(curlOf("GET", "/health", { security: [] }, "http://h"), "curl http://h/health");
});
