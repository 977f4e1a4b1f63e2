import assert from "node:assert/strict";
import test from "node:test";
import {
  controls, defaultOf, nameControls, readControl, readSampling, variedSampling,
} from "../../../../services/Gateway/wwwroot/sampling.js";

const control = (name) => controls.find((one) => one.name === name);
const greedy = { default_sampling: { temperature: 0 }, varied_sampling: { temperature: 1, top_k: 50, max_tokens: 100 } };

test("Value_ThatIsPossible_IsTaken", () => {
  assert.deepEqual(readControl(control("max_tokens"), " 12 "), { value: 12, fault: "" });
  assert.deepEqual(readControl(control("max_tokens"), ""), { value: null, fault: "" });
  assert.deepEqual(readControl(control("top_k"), "0"), { value: 0, fault: "" });
  assert.deepEqual(readControl(control("repetition_penalty"), "1.15"), { value: 1.15, fault: "" });
});

test("Value_ThatIsImpossible_IsRefusedByTheControlsLabel", () => {
  for (const text of ["0", "1.5", "-1", "ten", "NaN", "Infinity", "1e99", "12 tokens"])
    assert.deepEqual(readControl(control("max_tokens"), text), { value: null, fault: "Longest answer takes whole numbers from 1." });
  assert.equal(readControl(control("top_k"), "2.5").fault, "Top-k takes whole numbers from 0.");
  assert.equal(readControl(control("repetition_penalty"), "0").fault, "Repetition penalty takes numbers from 0.01 to 100.");
});

test("Default_OfTheModel_IsWhereTheControlStands", () => {
  const model = { default_sampling: { temperature: 0.6000000238418579 } };
  assert.equal(defaultOf(control("temperature"), model).text, "0.6 (model's default)");
  assert.deepEqual(defaultOf(control("top_p"), model), { value: 1, text: "off (model's default)" });
  assert.deepEqual(defaultOf(control("max_tokens"), model), { value: null, text: "the model's limit (model's default)" });
  assert.deepEqual(defaultOf(control("temperature"), greedy), { value: 0, text: "0 (model's default)" });
});

test("Default_OfAServerThatSaysNone_IsNotMadeUp", () => {
  for (const model of [null, undefined, { id: "m" }, { default_sampling: null }])
    assert.deepEqual(defaultOf(control("temperature"), model), { value: 1, text: "model's default" });
});

test("Sampling_OutOfStorage_HoldsOnlyWhatCanBeSent", () => {
  assert.deepEqual(readSampling({ temperature: "0.5", top_p: 7, max_tokens: 1.5, other: 1, min_p: null }), { temperature: 0.5 });
  for (const value of [null, undefined, 5, "text", []])
    assert.deepEqual(readSampling(value), {});
});

test("Varied_OfAGreedyModel_IsItsVariedSamplingUnderWhatWasChanged", () => {
  const { sampling, note } = variedSampling(greedy, { top_k: 7 });
  assert.deepEqual(sampling, { temperature: 1, top_k: 7, max_tokens: 100 });
  assert.match(note, /\(temperature 1, top-k 7\)/);
});

test("Varied_WhereItIsNotCalledFor_IsNone", () => {
  assert.equal(variedSampling(greedy, { temperature: 0 }), null);
  assert.equal(variedSampling({ ...greedy, default_sampling: { temperature: 0.7 } }, {}), null);
  assert.equal(variedSampling({ default_sampling: { temperature: 0 } }, {}), null);
  assert.equal(variedSampling(null, {}), null);
});

test("Message_OfTheServer_NamesTheControls", () => {
  assert.equal(nameControls("max_completion_tokens must be at least 1 (it is 0)."), "Longest answer must be at least 1 (it is 0).");
  assert.equal(nameControls("top_p must be at most 1; stop_token_ids is unknown."), "Top-p must be at most 1; stop_token_ids is unknown.");
});
