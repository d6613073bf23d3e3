// What was handed in: at most one bundle, and files.

import { Trouble } from "./dom.js";

const BUNDLE_BYTES = 1 << 20;

/** `{bundle, documents}`. Throws Trouble. */
export async function sortFiles(files) {
  const bundles = [];
  const documents = [];
  for (const file of files) ((await isBundle(file)) ? bundles : documents).push(file);
  if (bundles.length > 1) throw new Trouble("TWO_BUNDLES");
  return { bundle: bundles[0] ?? null, documents };
}

/** By its first bytes: canonical JSON of a bundle can only begin like this; by its name, where it was damaged. */
async function isBundle(file) {
  if (file.name.toLowerCase().endsWith(".zyb")) return true;
  if (file.size > BUNDLE_BYTES) return false;
  return (await readBytes(file.slice(0, 10), file.name).then((bytes) => new TextDecoder().decode(bytes))) === '{"anchor":';
}

export async function readBytes(blob, name) {
  try {
    return new Uint8Array(await blob.arrayBuffer());
  } catch {
    throw new Trouble("UNREADABLE", { name });
  }
}
