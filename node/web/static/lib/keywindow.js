// The window in which one chooses, makes and forgets keys.
import { h } from "./dom.js";
import { short, unhex } from "./format.js";
import { DEV_NAMES, canSign, devKey, keepKey, keptKeys, keyOfSeed, makeKey } from "./keys.js";
import { problemText } from "./problems.js";
import { choose, forget, fund, session } from "./session.js";

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
  const use = (key) => attempt(async () => {
    await choose(key, Number(number.value) || 0);
    onChange();
    window.close();
  });

  async function draw() {
    const kept = await keptKeys();
    list.replaceChildren(...kept.map((key) => h("li", {},
      h("span", {}, h("b", {}, key.name), " ", h("code", { title: key.id }, short(key.id, 12))),
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
  window.append(
    h("h2", { id: "keys-title" }, "Keys"),
    h("p", { class: "quiet" }, "Keys stay in this browser. Orders are signed here; only signatures are sent."),
    canSign() ? null : h("p", { class: "error", role: "alert" },
      "This browser cannot sign at this address: open the page by https, or at 127.0.0.1."),
    list,
    h("label", {}, "Account number ", number),
    session.params.test_network ? h("div", { class: "row", role: "group", "aria-label": "Keys of test networks" },
      h("span", {}, "Test keys, known to everybody:"),
      DEV_NAMES.map((one) => h("button", { onclick: attempt(async (event) => use(await devKey(one))(event)) }, one))) : null,
    h("form", { class: "row", onsubmit: add }, h("label", {}, "Add a key ", name), h("label", { class: "grow" }, "Secret ", secret),
      h("button", {}, "Add")),
    said,
    h("button", { onclick: () => window.close() }, "Close"),
  );
  window.addEventListener("close", () => window.remove());
  document.body.append(window);
  window.showModal();
  await draw().catch((error) => say(problemText(error)));
}
