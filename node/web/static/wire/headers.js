// Checks, in the browser, that a block's header is the one that its validators signed: the rules of CometBFT's light
// client, as client/light_headers.py has them. Integers come as text, bytes in hexadecimal.
import { hex, unhex } from "../lib/format.js";
import { joined } from "./envelope.js";
import { encode } from "./proto.js";
import { sha256 } from "./proofs.js";

const SECOND_NS = 1000000000n, FOR_THE_BLOCK = "2", PRECOMMIT = 2;
const PARTS = { total: [1, "uint"], hash: [2, "bytes"] };
const BLOCK_ID = { hash: [1, "bytes"], parts: [2, PARTS] };
const TIME = { seconds: [1, "uint"], nanos: [2, "uint"] };
const VERSION = { block: [1, "uint"], app: [2, "uint"] };
const MEMBER = { public_key: [1, { ed25519: [1, "bytes"] }], power: [2, "uint"] };
const ONE = (kind) => ({ value: [1, kind] });
const VOTE = { type: [1, "uint"], height: [2, "fixed"], round: [3, "fixed"], block: [4, BLOCK_ID], time: [5, TIME], chain_id: [6, "bytes"] };

export class HeaderError extends Error {}

const words = (text) => new TextEncoder().encode(text);
const bytesOf = (text) => encode(ONE("bytes"), { value: text });
const numberOf = (text) => encode(ONE("uint"), { value: BigInt(text) });
const named = ({ hash, parts_total: total, parts_hash: parts }) => ({ hash: unhex(hash), parts: { total: BigInt(total), hash: unhex(parts) } });
const timeOf = (text) => ({ seconds: BigInt(text) / SECOND_NS, nanos: BigInt(text) % SECOND_NS });

/** The RFC 6962 root over items. */
async function rootOver(items) {
  if (items.length < 2) return items.length ? sha256(Uint8Array.of(0), items[0]) : sha256();
  let middle = 1;
  while (middle * 2 < items.length) middle *= 2;
  return sha256(Uint8Array.of(1), await rootOver(items.slice(0, middle)), await rootOver(items.slice(middle)));
}

/** A block's hash: the root over the fields of its header. */
export const headerHash = async (header) => hex(await rootOver([
  encode(VERSION, { block: BigInt(header.block_version), app: BigInt(header.app_version) }),
  bytesOf(words(header.chain_id)), numberOf(header.height), encode(TIME, timeOf(header.time_ns)), encode(BLOCK_ID, named(header.last_block)),
  ...["last_commit_hash", "data_hash", "validators_hash", "next_validators_hash", "consensus_hash", "app_hash", "last_results_hash", "evidence_hash", "proposer"].map((name) => bytesOf(unhex(header[name])))]));

/** The hash of a set of validators [{public_key, power}]. */
export const validatorsHash = async (validators) => hex(await rootOver(validators.map(({ public_key: key, power }) =>
  encode(MEMBER, { public_key: { ed25519: unhex(key) }, power: BigInt(power) }))));

/** What a validator signs for a block. */
export function voteBytes(chainId, commit, timeNs) {
  const vote = encode(VOTE, { type: PRECOMMIT, height: BigInt(commit.height), round: BigInt(commit.round), block: named(commit.block), time: timeOf(timeNs), chain_id: words(chainId) });
  const length = encode(ONE("uint"), { value: vote.length }).slice(1);
  return joined(length, vote);
}

async function verifies(key, signature, bytes) {
  try {
    const publicKey = await crypto.subtle.importKey("raw", unhex(key), "Ed25519", false, ["verify"]);
    return await crypto.subtle.verify("Ed25519", publicKey, unhex(signature), bytes);
  } catch {
    return false;
  }
}

/** Header, validators and commit belong together, and more than two thirds of the power signed: {hash, signed, total,
 * signers, validators}. Throws HeaderError. */
export async function checkBlock({ header, commit, validators }, chainId) {
  if (header.chain_id !== chainId) throw new HeaderError(`the header is of chain ${header.chain_id}, not ${chainId}`);
  const hash = await headerHash(header);
  if (commit.height !== header.height || commit.block.hash !== hash) throw new HeaderError("the commit is for another header");
  if (await validatorsHash(validators) !== header.validators_hash) throw new HeaderError("the validators are not those that the header names");
  if (commit.signatures.length !== validators.length) throw new HeaderError("the commit has not one place for each validator");
  let signed = 0n, total = 0n, signers = 0;
  for (const [place, { public_key: key, power }] of validators.entries()) {
    total += BigInt(power);
    const { flag, validator, time_ns: time, signature } = commit.signatures[place];
    if (flag !== FOR_THE_BLOCK) continue;
    if (validator !== hex((await sha256(unhex(key))).slice(0, 20))) throw new HeaderError("a signature stands at another validator's place");
    if (await verifies(key, signature, voteBytes(header.chain_id, commit, time))) {
      signed += BigInt(power);
      signers += 1;
    }
  }
  if (3n * signed <= 2n * total) throw new HeaderError("no more than two thirds of the voting power signed the header");
  return { hash, signed, total, signers, validators: validators.length };
}
