// Proofs in a Merkle-Patricia trie (Yellow Paper, appendix D). A node that is not there never means "absent".

import { Refusal, hex } from "./bytes.js";
import { keccak } from "./hashes.js";
import { decode, encode } from "./rlp.js";

const EMPTY_ROOT = "56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421";

/** The nodes of one proof, for one or several look-ups; at the end every node must have been read. */
export class ProofNodes {
  constructor(nodes) {
    if (nodes.length === 0) throw new Refusal("TRIE_PROOF_EMPTY");
    this.nodes = new Map();
    this.used = new Set();
    nodes.forEach((node, position) => {
      if (node.length === 0) throw new Refusal("TRIE_NODE_EMPTY", { position });
      const name = hex(keccak(node));
      if (this.nodes.has(name)) throw new Refusal("TRIE_NODE_REPEATED", { node: name });
      this.nodes.set(name, node);
    });
  }

  /** The value under `key` in the trie of `root`, or null where its absence is proved. Throws TRIE_…, RLP_…. */
  get(root, key) {
    const rootName = hex(root);
    if (rootName === EMPTY_ROOT) return null;
    let path = hex(key);
    let node = this.read(rootName, true);
    for (;;) {
      let below;
      if (node.leaf) return node.path === path ? node.value : null;
      if (node.children) {
        if (path === "") return node.value.length ? node.value : null;
        below = node.children[parseInt(path[0], 16)];
        path = path.slice(1);
      } else {
        if (!path.startsWith(node.path)) return null;
        path = path.slice(node.path.length);
        below = node.child;
      }
      if (below === null) return null;
      const child = typeof below === "string" ? this.read(below) : below;
      if (node.child && !child.children) throw malformed(below, "extension");
      node = child;
    }
  }

  requireAllUsed() {
    for (const name of this.nodes.keys()) {
      if (!this.used.has(name)) throw new Refusal("TRIE_NODE_UNUSED", { node: name });
    }
  }

  read(name, isRoot = false) {
    const bytes = this.nodes.get(name);
    if (!bytes) throw new Refusal("TRIE_NODE_MISSING", { node: name });
    if (bytes.length < 32 && !isRoot) throw malformed(name, "size");
    this.used.add(name);
    return parse(decode(bytes), name);
  }
}

function malformed(name, fault) {
  return new Refusal("TRIE_NODE_MALFORMED", { node: typeof name === "string" ? name : "embedded", fault });
}

function parse(item, name) {
  if (Array.isArray(item) && item.length === 17) {
    const value = item[16];
    const children = item.slice(0, 16).map((slot) => reference(slot, name));
    const filled = children.filter((child) => child !== null).length + (value.length ? 1 : 0);
    if (Array.isArray(value) || filled < 2) throw malformed(name, "branch");
    return { children, value };
  }
  if (!Array.isArray(item) || item.length !== 2) throw malformed(name, "shape");
  const { path, leaf } = hexPrefix(item[0], name);
  if (leaf) {
    if (Array.isArray(item[1]) || item[1].length === 0) throw malformed(name, "value");
    return { leaf, path, value: item[1] };
  }
  const child = reference(item[1], name);
  const fits = path !== "" && child !== null && (typeof child === "string" || child.children);
  if (!fits) throw malformed(name, "extension");
  return { path, child };
}

/** The name of a node, a node within this one, or null for nothing. */
function reference(item, name) {
  if (Array.isArray(item)) {
    if (encode(item).length >= 32) throw malformed(name, "size");
    return parse(item, name);
  }
  if (item.length !== 0 && item.length !== 32) throw malformed(name, "reference");
  return item.length ? hex(item) : null;
}

function hexPrefix(item, name) {
  const digits = Array.isArray(item) ? "" : hex(item);
  if (digits[0] === "1" || digits[0] === "3") return { path: digits.slice(1), leaf: digits[0] === "3" };
  if (digits.startsWith("00") || digits.startsWith("20")) return { path: digits.slice(2), leaf: digits[0] === "2" };
  throw malformed(name, "path");
}
