#!/usr/bin/env node
// Speaks as the native `solc --standard-json` does, over the WebAssembly build that npm carries: JSON on standard
// input, JSON and nothing else on standard output. npm's own `solcjs` prints a line of words before the JSON.
"use strict";

const solc = require("solc");

if (process.argv.includes("--version")) {
  console.log(`solc, the solidity compiler\nVersion: ${solc.version()}`);
} else {
  const chunks = [];
  process.stdin.on("data", (chunk) => chunks.push(chunk));
  process.stdin.on("end", () => process.stdout.write(solc.compile(Buffer.concat(chunks).toString("utf8"))));
}
