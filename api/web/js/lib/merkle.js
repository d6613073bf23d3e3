// Inclusion in the batch tree: RFC 9162 section 2.1.3.2.

import { Refusal, concat } from "./bytes.js";
import { sha256 } from "./hashes.js";

/** Root of the tree of `size` leaves in which `leaf` is at `index`. Throws MERKLE_…. */
export function rootFromPath(leaf, index, size, path, hash = sha256) {
  if (size < 1) throw new Refusal("MERKLE_EMPTY");
  if (index < 0 || index >= size) throw new Refusal("MERKLE_INDEX", { index, size });
  let node = leaf;
  let at = index;
  let last = size - 1;
  let used = 0;
  while (last > 0) {
    if (at & 1 || at < last) {
      if (used === path.length) throw new Refusal("MERKLE_PATH_LENGTH", { length: path.length });
      const sibling = path[used++];
      node = hash(at & 1 ? concat(Uint8Array.of(1), sibling, node) : concat(Uint8Array.of(1), node, sibling));
    }
    at >>= 1;
    last >>= 1;
  }
  if (used !== path.length) throw new Refusal("MERKLE_PATH_LENGTH", { length: path.length });
  return node;
}
