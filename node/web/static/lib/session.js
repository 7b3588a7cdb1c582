// Who trades here, on which chain, and how an action of theirs reaches it.
import { get, submit } from "./api.js";
import { devKey, forgetKey, keepKey, keptKeys, signer } from "./keys.js";
import { makeBody, makeEnvelope } from "../wire/envelope.js";

const CHOSEN = "novation-key";
const STEP_MS = 10;
const LIFETIME_MS = 600000;

export const session = { key: null, number: 0, params: null, meanings: {}, highestNonce: 0n };

/** Load the chain's parameters and the key that was chosen last. */
export async function begin() {
  const [{ params }, meanings] = await Promise.all([get("params"), get("errors")]);
  session.params = params;
  session.meanings = meanings;
  const [id, number] = (localStorage.getItem(CHOSEN) || "/0").split("/");
  const kept = id ? await keptKeys().catch(() => []) : [];
  session.key = kept.find((key) => key.id === id) || null;
  session.number = Number(number) || 0;
}

/** Use this key and account from now on, and the next time; null: none. */
export async function choose(key, number = 0) {
  if (key) await keepKey(key);
  session.key = key;
  session.number = number;
  session.highestNonce = 0n;
  localStorage.setItem(CHOSEN, key ? `${key.id}/${number}` : "/0");
}

/** Forget a key for good. */
export async function forget(id) {
  await forgetKey(id);
  if (session.key?.id === id) await choose(null);
}

/** OWNER/NUMBER of the account in use; empty without a key. */
export const account = () => (session.key ? `${session.key.id}/${session.number}` : "");

function nextNonce() {
  const now = BigInt(Math.floor(Date.now() / STEP_MS));
  session.highestNonce = now > session.highestNonce ? now : session.highestNonce + 1n;
  return session.highestNonce;
}

/** Sign actions with a key and send them; the outcome that the chain gave. Throws ApiError. */
export async function send(actions, { key = session.key, number = session.number, chainTimeNs = 0n } = {}) {
  const body = makeBody({
    owner: key.owner, number, actions, nonce: nextNonce(), gasPriceE6: session.params.gas_price_e6,
    expiryTimeNs: chainTimeNs ? chainTimeNs + BigInt(LIFETIME_MS) * 1000000n : 0n,
  });
  const bytes = await makeEnvelope(session.params.chain_id, body, key.publicKey, signer(key));
  return (await submit(bytes)).outcome;
}

/** Test networks: money for an account, from the faucet that everybody may use. */
export async function fund(owner, number, quanta) {
  const faucet = await devKey("faucet");
  return send([{ faucet_deposit: { to: { owner, number }, amount_quanta: quanta } }], { key: faucet, number: 0 });
}
