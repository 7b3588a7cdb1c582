// Checks, in the browser, that a record is or is not in the state behind an app hash: client/light_proofs.py in
// JavaScript, ICS-23 alone. The state is a map of tables, each a tree; a record's key there is sha256(key) in hexadecimal.
import { hex, unhex } from "../lib/format.js";
import { joined } from "./envelope.js";

const KIND = "ics23:simple", STEPS_MAX = 128;
const text = (words) => new TextEncoder().encode(words);

/** SHA-256 of bytes, one after the other. */
export const sha256 = async (...parts) => new Uint8Array(await crypto.subtle.digest("SHA-256", joined(...parts)));

export class ProofError extends Error {}

/** The app hash (hexadecimal) that `operators` [{kind, key, data}] lead to from a record; `value` empty: from its absence.
 * All in hexadecimal. Throws ProofError when they prove nothing of the kind. */
export async function provenAppHash(table, key, value, operators) {
  if (operators.some(({ kind }) => kind !== KIND)) throw new ProofError("this is no ICS-23 proof");
  const own = text(hex(await sha256(unhex(key))));
  const parts = operators.map((one) => ({ key: unhex(one.key), data: fields(unhex(one.data)) }));
  let root;
  if (!value && parts.length === 1) root = await sha256(); // a table without any records
  else if (parts.length !== 2) throw new ProofError("a proof has two parts");
  else root = value ? await existing(parts[0], own, unhex(value)) : await absent(parts[0], own);
  return hex(await existing(parts.at(-1), text(table), root));
}

/** The root that a proof of existence makes of a value. */
async function existing({ key, data }, wanted, value) {
  const proof = existence(only(data, 1));
  if (hex(key) !== hex(wanted) || hex(proof.key) !== hex(wanted)) throw new ProofError("the proof is for another key");
  if (hex(proof.value) !== hex(value)) throw new ProofError("the proof is for another value");
  return rootOf(proof);
}

/** The root in which a proof of non-existence shows that a key has no leaf. */
async function absent({ data }, wanted) {
  const shown = fields(only(data, 2)), key = hex(wanted);
  const [left, right] = [2, 3].map((number) => (shown.has(number) ? existence(only(shown, number)) : null));
  if ((left && hex(left.key) >= key) || (right && hex(right.key) <= key)) throw new ProofError("the key does not lie between the neighbours that are shown");
  if (left && right) {
    const root = await rootOf(left);
    if (hex(root) !== hex(await rootOf(right)) || !neighbours(left.path, right.path)) throw new ProofError("the leaves that are shown are not neighbours");
    return root;
  }
  const edge = left || right;
  if (!edge || edge.path.some((step) => isRight(step) !== (edge === left))) throw new ProofError("the leaf that is shown is not the outermost");
  return rootOf(edge);
}

const isRight = ({ before }) => before.length === 33;

/** Whether nothing lies between two leaves: their paths part once, and below that the one keeps right, the other left. */
function neighbours(left, right) {
  const same = (a, b) => a && b && hex(a.before) === hex(b.before) && hex(a.after) === hex(b.after);
  const [ours, theirs] = [[...left], [...right]];
  while (same(ours.at(-1), theirs.at(-1))) {
    ours.pop();
    theirs.pop();
  }
  if (!ours.length || !theirs.length) return false;
  const parts = !isRight(ours.pop()) && isRight(theirs.pop());
  return parts && ours.every(isRight) && !theirs.some(isRight);
}

async function rootOf({ key, value, path }) {
  if (!key.length || key.length > 127 || !value.length) throw new ProofError("a leaf needs a key of at most 127 bytes and a value");
  let current = await sha256(Uint8Array.of(0, key.length), key, Uint8Array.of(32), await sha256(value));
  for (const { before, after } of path) current = await sha256(before, current, after);
  return current;
}

/** An ExistenceProof, held to the Tendermint spec of ICS-23. */
function existence(data) {
  const found = fields(data), leaf = fields(only(found, 3));
  const number = (of, at) => of.get(at)?.at(-1) ?? 0n;
  if (number(leaf, 1) !== 1n || number(leaf, 2) !== 0n || number(leaf, 3) !== 1n || number(leaf, 4) !== 1n || hex(only(leaf, 5)) !== "00") {
    throw new ProofError("the leaf is not hashed as the Tendermint spec says");
  }
  const path = (found.get(4) || []).map((step) => {
    const inner = fields(step), before = only(inner, 2), after = inner.get(3)?.[0] ?? new Uint8Array();
    const lengths = `${before.length} ${after.length}`;
    if (number(inner, 1) !== 1n || before[0] !== 1 || !["33 0", "1 32"].includes(lengths)) throw new ProofError("a step is not hashed as the Tendermint spec says");
    return { before, after };
  });
  if (path.length > STEPS_MAX) throw new ProofError("the path is too long");
  return { key: only(found, 1), value: only(found, 2), path };
}

function only(found, number) {
  const values = found.get(number) || [];
  if (values.length !== 1 || !(values[0] instanceof Uint8Array)) throw new ProofError("malformed proof");
  return values[0];
}

/** Number -> values of the varint and bytes fields of an encoded message. */
function fields(data) {
  if (!(data instanceof Uint8Array)) throw new ProofError("malformed proof");
  const found = new Map();
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; at < data.length && shift < 70n; shift += 7n) {
      const byte = data[at++];
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
    throw new ProofError("malformed proof");
  };
  while (at < data.length) {
    const tag = varint(), number = Number(tag >> 3n);
    let value = varint();
    if ((tag & 7n) === 2n && BigInt(at) + value <= BigInt(data.length)) {
      const end = at + Number(value);
      value = data.slice(at, end);
      at = end;
    } else if (tag & 7n) throw new ProofError("malformed proof");
    found.set(number, [...(found.get(number) || []), value]);
  }
  return found;
}
