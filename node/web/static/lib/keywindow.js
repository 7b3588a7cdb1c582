// The window in which one chooses, makes and forgets keys.
import { h } from "./dom.js";
import { day, hex, short, unhex } from "./format.js";
import { ownerOf } from "../wire/envelope.js";
import { DEV_NAMES, canSign, devKey, keepKey, keptKeys, keyOfSeed, makeKey } from "./keys.js";
import { ResultError, problemText } from "./problems.js";
import { get } from "./api.js";
import { account, choose, forget, fund, send, session } from "./session.js";

const AGENTS = "novation-agents"; // address -> public key: the chain keeps addresses only
const HOUR_NS = 3600n * 1000000000n;
const TEST_MONEY_QUANTA = 10_000n * 1_000_000n;

/** Open it; `onChange()` when another key is in use. */
export async function openKeys(onChange) {
  const said = h("p", { role: "status", class: "outcome" });
  const list = h("ul", { class: "keys" });
  const number = h("input", { inputmode: "numeric", value: String(session.number), size: 4 });
  const window = h("dialog", { class: "window", "aria-labelledby": "keys-title" });
  const say = (text) => { said.textContent = text; };
  const attempt = (work) => async (event) => {
    event.preventDefault();
    try {
      await work(event);
    } catch (error) {
      say(problemText(error));
    }
  };
  const owner = h("input", { value: session.owner, maxlength: 40, placeholder: "empty: the key's own account", spellcheck: "false", autocomplete: "off" });
  const use = (key) => attempt(async () => {
    const whose = owner.value.trim().toLowerCase();
    if (whose && !/^[0-9a-f]{40}$/.test(whose)) throw new RangeError("an owner has 40 hexadecimal digits");
    await choose(key, Number(number.value) || 0, whose);
    onChange();
    window.close();
  });

  async function draw() {
    const kept = await keptKeys();
    list.replaceChildren(...kept.map((key) => h("li", {},
      h("span", {}, h("b", {}, key.name), " ", h("code", { title: key.id }, short(key.id, 12)),
        h("details", {}, h("summary", {}, "Public"), h("p", {}, "Owner ", h("code", {}, key.id)), h("p", {}, "Public key ", h("code", {}, hex(key.publicKey))))),
      h("button", { onclick: use(key), "aria-pressed": String(session.key?.id === key.id) }, "Use"),
      session.params.test_network ? h("button", { onclick: attempt(async () => {
        say("Asking the faucet …");
        const { state, result } = await fund(key.owner, Number(number.value) || 0, TEST_MONEY_QUANTA);
        const failed = result.code ? result : result.actions.find((action) => action.code);
        say(failed ? problemText(failed) : `10,000 USD of test money: ${state}.`);
      }) }, "Get test money") : null,
      h("button", { onclick: attempt(async () => {
        await forget(key.id);
        onChange();
        await draw();
      }), "aria-label": `Forget ${key.name}` }, "Forget"))));
    if (!kept.length) list.append(h("li", { class: "quiet" }, "No key yet."));
  }

  const name = h("input", { required: true, maxlength: 24, placeholder: "name" });
  const secret = h("input", { type: "password", maxlength: 64, placeholder: "64 hexadecimal digits, or empty for a new key", autocomplete: "off" });
  const add = attempt(async () => {
    const called = name.value.trim() || "my key";
    const key = secret.value.trim() ? await keyOfSeed(called, unhex(secret.value)) : await makeKey(called);
    secret.value = "";
    await keepKey(key);
    say(`${called} is kept in this browser.`);
    await draw();
  });
  window.append(...[
    h("h2", { id: "keys-title" }, "Keys"),
    h("p", { class: "quiet" }, "Keys stay in this browser. Orders are signed here; only signatures are sent."),
    canSign() ? null : h("p", { class: "error", role: "alert" },
      "This browser cannot sign at this address: open the page by https, or at 127.0.0.1."),
    list,
    h("div", { class: "row" }, h("label", {}, "Account number ", number), h("label", { class: "grow" }, "As an agent, for the account of this owner ", owner)),
    session.params.test_network ? h("div", { class: "row", role: "group", "aria-label": "Keys of test networks" },
      h("span", {}, "Test keys, known to everybody:"),
      DEV_NAMES.map((one) => h("button", { onclick: attempt(async (event) => use(await devKey(one))(event)) }, one))) : null,
    h("form", { class: "row", onsubmit: add }, h("label", {}, "Add a key ", name), h("label", { class: "grow" }, "Secret ", secret),
      h("button", {}, "Add")),
    session.key && !session.owner ? await agents(attempt, say) : null,
    said,
    h("button", { onclick: () => window.close() }, "Close"),
  ].filter(Boolean));
  window.addEventListener("close", () => window.remove());
  document.body.append(window);
  window.showModal();
  await draw().catch((error) => say(problemText(error)));
}

/** Other keys that may trade for the account in use: who they are, one more, one less. */
async function agents(attempt, say) {
  const list = h("ul", { class: "keys", id: "agents" });
  const kept = await keptKeys().catch(() => []);
  const key = h("input", { name: "agent", maxlength: 64, required: true, list: "kept-keys", placeholder: "its public key", spellcheck: "false", autocomplete: "off" });
  const hours = h("input", { name: "hours", inputmode: "numeric", value: "24", size: 4 });

  async function draw() {
    const { agents: found, exists, time_ns: now } = await get("account", { account: account() });
    const named = new Map(kept.map((one) => [one.id, one]));
    const publicKeys = known();
    list.replaceChildren(...(found || []).map((agent) => h("li", {},
      h("span", {}, h("b", {}, named.get(agent.address)?.name ?? ""), " ", h("code", { title: agent.address }, short(agent.address, 12)), BigInt(agent.expiry_time_ns) > BigInt(now) ? ` until ${day(agent.expiry_time_ns)}` : " expired"),
      h("button", { "aria-label": `Revoke ${named.get(agent.address)?.name ?? agent.address}`, onclick: attempt(async () => {
        const publicKey = named.get(agent.address)?.publicKey ?? unhex(publicKeys[agent.address] ?? key.value);
        if (hex(await ownerOf(publicKey)) !== agent.address) throw new RangeError("write the agent's public key into the field first");
        await set(publicKey, 0n, "The agent is revoked");
      }) }, "Revoke"))));
    if (!found?.length) list.append(h("li", { class: "quiet" }, exists ? "No agents." : "The account holds nothing yet."));
  }

  async function set(publicKey, expiry, done) {
    say("Signing …");
    const { result } = await send([{ set_agent: { public_key: publicKey, expiry_time_ns: expiry } }]);
    const failed = result.code ? result : result.actions.find((action) => action.code);
    if (failed) throw new ResultError(failed);
    localStorage.setItem(AGENTS, JSON.stringify({ ...known(), [hex(await ownerOf(publicKey))]: hex(publicKey) }));
    say(`${done}.`);
    await draw();
  }

  const authorise = attempt(async () => {
    const publicKey = unhex(key.value);
    if (publicKey.length !== 32) throw new RangeError("a public key has 64 hexadecimal digits");
    const { time_ns: now } = await get("status");
    await set(publicKey, BigInt(now) + BigInt(Math.max(1, Math.round(Number(hours.value) || 24))) * HOUR_NS, "The agent may trade");
  });
  await draw().catch((problem) => say(problemText(problem)));
  return h("section", { "aria-labelledby": "agents-title" }, h("h3", { id: "agents-title" }, "Agents of this account"),
    h("p", { class: "quiet" }, "An agent's key may place, cancel and trigger orders here. It can withdraw or transfer nothing, and appoint nobody."), list,
    h("datalist", { id: "kept-keys" }, kept.map((one) => h("option", { value: hex(one.publicKey) }, one.name))),
    h("form", { class: "row", onsubmit: authorise }, h("label", { class: "grow" }, "Authorise a key ", key), h("label", {}, "Hours ", hours), h("button", {}, "Authorise")));
}

const known = () => JSON.parse(localStorage.getItem(AGENTS) || "{}");
