// Answers the questions of `rules-lines` by GrowthBook's SDK for JavaScript, whose main module is the argument.
"use strict";
process.env.NODE_ENV = "production";
console.error = () => {};
const [, , core] = process.argv;
const sdk = require("path").dirname(core);
const { evalCondition } = require(`${sdk}/mongrule.js`);
const { runExperiment, evalFeature } = require(core);
const { hash } = require(`${sdk}/util.js`);

const contextOf = (context) => {
  const { attributes, attributeOverrides, url, stickyBucketAssignmentDocs, ...global } = context;
  const user = { attributes: attributes || {}, attributeOverrides, url };
  if (stickyBucketAssignmentDocs) {
    user.stickyBucketAssignmentDocs = stickyBucketAssignmentDocs;
    user.saveStickyBucketAssignmentDoc = () => {};
  }
  return { global: { ...global, log: () => {} }, user, stack: { evaluatedFeatures: new Set() } };
};

const answer = ({ condition, attributes, groups, hash: hashed, experiment, feature, context }) => {
  if (experiment) {
    const { inExperiment, variationId, bucket } = runExperiment(experiment, null, contextOf(context)).result;
    return { inExperiment, variationId, bucket: bucket === undefined || !inExperiment ? null : bucket };
  }
  if (feature) {
    const { value, source, ruleId } = evalFeature(feature, contextOf(context));
    return { value, source, ruleId };
  }
  return { result: hashed ? hash(...hashed) : evalCondition(attributes, condition, groups) };
};

const lines = require("fs").readFileSync(0, "utf8").split("\n").filter(Boolean);
for (const line of lines) {
  let said;
  try {
    said = answer(JSON.parse(line));
  } catch (error) {
    said = { error: error.message };
  }
  process.stdout.write(JSON.stringify(said) + "\n");
}
