// From actions to the signed bytes that the chain takes. The key signs here; only the signature leaves.
import { encode } from "./proto.js";
import { gasFor } from "./gas.js";
import { BODY, ENVELOPE } from "./schemas.js";

const SIGN_TAG = new TextEncoder().encode("novation/tx/v1\0");
const ADDRESS_TAG = new TextEncoder().encode("novation/address/v1");
export const ED25519 = 1;

/** Bytes, one after the other. */
export function joined(...parts) {
  const out = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** What a signature is over: the tag, the chain id with its length in one byte, the body. */
export function signBytes(chainId, body) {
  const name = new TextEncoder().encode(chainId);
  if (name.length < 1 || name.length > 255) throw new RangeError("a chain id has 1 to 255 bytes");
  return joined(SIGN_TAG, Uint8Array.of(name.length), name, body);
}

/** The most that a gas limit costs, in quote quanta. */
export const feeOf = (gas, gasPriceE6) => (BigInt(gas) * BigInt(gasPriceE6) + 999999n) / 1000000n;

/** The body whose fee limit covers its gas limit. */
export function makeBody({ owner, number, actions, nonce, gasPriceE6, expiryTimeNs = 0n, portfolio = 0 }) {
  const gas = BigInt(gasFor(actions, portfolio)), fee = feeOf(gas, gasPriceE6);
  return encode(BODY, {
    account: { owner, number }, actions, gas_limit: gas, fee_limit_quanta: fee, nonce, expiry_time_ns: expiryTimeNs,
  });
}

/** The envelope of a body; `sign(bytes)` gives the 64 bytes of an Ed25519 signature. */
export async function makeEnvelope(chainId, body, publicKey, sign) {
  const signature = await sign(signBytes(chainId, body));
  return encode(ENVELOPE, { body, authorization: { key_type: ED25519, public_key: publicKey, signature } });
}

/** The address (20 bytes) that owns a public key's accounts. */
export async function ownerOf(publicKey) {
  const digest = await crypto.subtle.digest("SHA-256", joined(ADDRESS_TAG, Uint8Array.of(ED25519), publicKey));
  return new Uint8Array(digest).slice(0, 20);
}
