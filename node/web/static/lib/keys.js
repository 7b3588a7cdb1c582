// Keys that stay here: Ed25519 by WebCrypto, not extractable, kept in this browser's IndexedDB. The page never sends one.
import { ED25519, joined, ownerOf } from "../wire/envelope.js";
import { hex, unhex } from "./format.js";

const PKCS8 = unhex("302e020100300506032b657004220420");
const DEV_PHRASE = "novation/unsafe-dev-key/v1/";
export const DEV_NAMES = ["alice", "bob", "carl", "dave"];

/** Whether this browser, at this address, can sign. */
export const canSign = () => Boolean(globalThis.crypto?.subtle && globalThis.indexedDB);

/** A new random key; nobody can read it out, so it lives and dies with this browser's storage. */
export async function makeKey(name) {
  const pair = await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"]);
  const publicKey = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
  return keyOf(name, pair.privateKey, publicKey);
}

/** The key of a secret seed of 32 bytes. */
export async function keyOfSeed(name, seed) {
  if (seed.length !== 32) throw new RangeError("a secret has 64 hexadecimal digits");
  const wrapped = joined(PKCS8, seed);
  const readable = await crypto.subtle.importKey("pkcs8", wrapped, "Ed25519", true, ["sign"]);
  const { x } = await crypto.subtle.exportKey("jwk", readable);
  const publicKey = Uint8Array.from(atob(x.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
  const secret = await crypto.subtle.importKey("pkcs8", wrapped, "Ed25519", false, ["sign"]);
  return keyOf(name, secret, publicKey);
}

/** A key of test networks, which everybody knows. */
export async function devKey(name) {
  const seed = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(DEV_PHRASE + name));
  return keyOfSeed(name, new Uint8Array(seed));
}

async function keyOf(name, secret, publicKey) {
  const owner = await ownerOf(publicKey);
  return { name, secret, publicKey, owner, id: hex(owner), type: ED25519 };
}

/** Sign bytes with a key. */
export const signer = (key) => async (bytes) => new Uint8Array(await crypto.subtle.sign("Ed25519", key.secret, bytes));

function store(mode, work) {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open("novation", 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore("keys", { keyPath: "id" });
    opening.onerror = () => reject(opening.error);
    opening.onsuccess = () => {
      const database = opening.result, asked = work(database.transaction("keys", mode).objectStore("keys"));
      asked.onsuccess = () => { database.close(); resolve(asked.result); };
      asked.onerror = () => { database.close(); reject(asked.error); };
    };
  });
}

export const keepKey = (key) => store("readwrite", (keys) => keys.put(key));
export const keptKeys = () => store("readonly", (keys) => keys.getAll());
export const forgetKey = (id) => store("readwrite", (keys) => keys.delete(id));
