import assert from "node:assert/strict";
import test from "node:test";
import { addCalls, argumentsOf, readCalls, readTools } from "../../../../services/Gateway/wwwroot/tools.js";

test("A list of functions is sent as tools, whichever way it is written", () => {
  const wrapped = [{ type: "function", function: { name: "now" } }];
  assert.deepEqual(readTools('[{"name": "now"}]'), { value: wrapped, fault: "" });
  assert.deepEqual(readTools('{"name": "now"}').value, wrapped);
  assert.deepEqual(readTools(JSON.stringify(wrapped)).value, wrapped);
  assert.deepEqual(readTools(" \n"), { value: null, fault: "" });
  assert.deepEqual(readTools("[]"), { value: null, fault: "" });
});

test("What is no list of functions is said", () => {
  for (const text of ["[", "[1]", "[null]", '[{"function": {}}]', "3", `[${Array(65).fill('{"name": "a"}').join(",")}]`]) {
    const { value, fault } = readTools(text);
    assert.equal(value, null, text);
    assert.match(fault, /^Tools takes /);
  }
});

test("Calls grow by their deltas, and their arguments are shown spread out once they are whole", () => {
  const calls = [];
  addCalls(calls, [{ index: 0, id: "a", function: { name: "weather", arguments: "" } }]);
  addCalls(calls, [{ index: 0, function: { arguments: '{"city"' } }]);
  addCalls(calls, undefined);
  assert.equal(argumentsOf(calls[0]), '{"city"');
  addCalls(calls, [{ index: 0, function: { arguments: ': "Köln"}' } }, { index: 1, id: "b", function: { name: "now", arguments: "{}" } }]);
  assert.deepEqual(calls.map((call) => call.name), ["weather", "now"]);
  assert.equal(argumentsOf(calls[0]), '{\n  "city": "Köln"\n}');
});

test("Calls out of storage are read where they are any", () => {
  assert.deepEqual(readCalls([{ name: "a", arguments: "{}", more: 1 }, { name: 1 }, null]), [{ name: "a", arguments: "{}" }]);
  assert.deepEqual(readCalls(undefined), []);
});
