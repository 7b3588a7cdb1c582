// Who trades here, on which chain, and how an action of theirs reaches it.
import { get, submit } from "./api.js";
import { unhex } from "./format.js";
import { devKey, forgetKey, keepKey, keptKeys, signer } from "./keys.js";
import { feeOf, makeBody, makeEnvelope } from "../wire/envelope.js";
import { gasFor } from "../wire/gas.js";

const CHOSEN = "novation-key";
const STEP_MS = 10;
const LIFETIME_MS = 600000;

/** `owner`: whose account it is, in hexadecimal; empty: the key's own. `portfolio`: its positions in portfolio margin. */
export const session = { key: null, owner: "", number: 0, params: null, meanings: {}, highestNonce: 0n, portfolio: 0 };

/** Load the chain's parameters and the key that was chosen last. */
export async function begin() {
  const [{ params }, meanings] = await Promise.all([get("params"), get("errors")]);
  session.params = params;
  session.meanings = meanings;
  const [id, number, owner] = (localStorage.getItem(CHOSEN) || "/0").split("/");
  const kept = id ? await keptKeys().catch(() => []) : [];
  session.key = kept.find((key) => key.id === id) || null;
  session.number = Number(number) || 0;
  session.owner = session.key ? owner || "" : "";
}

/** Use this key and account from now on, and the next time; null: none. With `owner`, as an agent of that owner. */
export async function choose(key, number = 0, owner = "") {
  if (key) await keepKey(key);
  session.key = key;
  session.number = number;
  session.owner = key && owner !== key.id ? owner : "";
  session.highestNonce = 0n;
  session.portfolio = 0;
  localStorage.setItem(CHOSEN, key ? `${key.id}/${number}/${session.owner}` : "/0");
}

/** Forget a key for good. */
export async function forget(id) {
  await forgetKey(id);
  if (session.key?.id === id) await choose(null);
}

/** OWNER/NUMBER of the account in use; empty without a key. */
export const account = () => (session.key ? `${session.owner || session.key.id}/${session.number}` : "");

function nextNonce() {
  const now = BigInt(Math.floor(Date.now() / STEP_MS));
  session.highestNonce = now > session.highestNonce ? now : session.highestNonce + 1n;
  return session.highestNonce;
}

/** The most that actions cost in gas, in quote quanta. */
export const gasFee = (actions) => feeOf(gasFor(actions, session.portfolio), session.params.gas_price_e6);

/** Sign actions with a key and send them; the outcome that the chain gave. Throws ApiError. */
export async function send(actions, { key = session.key, number = session.number, owner = session.owner, chainTimeNs = 0n } = {}) {
  const body = makeBody({
    owner: owner ? unhex(owner) : key.owner, number, portfolio: session.portfolio, actions, nonce: nextNonce(), gasPriceE6: session.params.gas_price_e6,
    expiryTimeNs: chainTimeNs ? chainTimeNs + BigInt(LIFETIME_MS) * 1000000n : 0n,
  });
  const bytes = await makeEnvelope(session.params.chain_id, body, key.publicKey, signer(key));
  return (await submit(bytes)).outcome;
}

/** Test networks: money for an account, from the faucet that everybody may use. */
export async function fund(owner, number, quanta) {
  const faucet = await devKey("faucet");
  return send([{ faucet_deposit: { to: { owner, number }, amount_quanta: quanta } }], { key: faucet, number: 0, owner: "" });
}
