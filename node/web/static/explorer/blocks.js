// Blocks as they come, and one block.
import { get } from "../lib/api.js";
import { $, h } from "../lib/dom.js";
import { day } from "../lib/format.js";
import { events } from "./events.js";
import { accountLink, blockLink, pairs, table, txLink } from "./values.js";

const SHOWN = 30, HEADINGS = ["Height", "Time", "Transactions", "Refused", "Actions", "Failed", "Fills", "App hash"];

const row = (block) => [blockLink(block.height), day(block.time_ns), block.txs_count, block.failed_txs_count, block.actions_count, block.failed_actions_count, block.fills_count,
  h("span", { class: "hash", title: block.app_hash }, block.app_hash.slice(0, 12))];

/** The last blocks, newest first. */
export async function blocksView() {
  const status = await get("status");
  const newest = Number(status.height), oldest = Math.max(Number(status.oldest_block_height), newest - SHOWN + 1, 1);
  const heights = Array.from({ length: Math.max(0, newest - oldest + 1) }, (_, place) => newest - place);
  const blocks = (await Promise.all(heights.map((height) => get("block", { height }).catch(() => null)))).filter(Boolean);
  const found = table("Blocks", HEADINGS, blocks.map(({ block }) => row(block)));
  found.querySelector("tbody").id = "blocks";
  return [h("h2", {}, "Blocks"), found];
}

/** A block that was just made, on top of the list. */
export function newBlock(block) {
  const body = $("blocks");
  if (!body || body.firstChild?.firstChild?.textContent === block.height) return;
  body.prepend(h("tr", {}, row(block).map((cell) => h("td", {}, cell))));
  while (body.children.length > SHOWN) body.lastChild.remove();
}

/** One block. */
export async function blockView(argument) {
  const { block, height } = await get("block", { height: argument || 0, with_txs: true });
  const { txs, events: hooks, ...head } = block, number = Number(block.height);
  return [
    h("div", { class: "head" }, h("h2", {}, `Block ${block.height}`), h("span", { class: "row" },
      number > 1 ? h("a", { href: `#/block/${number - 1}` }, "← before") : null, number < Number(height) ? h("a", { href: `#/block/${number + 1}` }, "after →") : null)),
    pairs(head),
    h("h2", {}, "Transactions"),
    table("Transactions", ["Hash", "Account", "Actions", "Outcome", "Gas", "Events"], txs.map((tx) => [
      txLink(tx.hash), tx.account ? accountLink(tx.account) : "–", tx.result.actions.length, outcome(tx.result), tx.result.gas_used, tx.events.length])),
    ...events(hooks, "Events of the block itself"),
  ];
}

function outcome(result) {
  if (result.code) return h("span", { class: "bad" }, result.reason);
  const failed = result.actions.filter((action) => action.code).length;
  return failed ? h("span", { class: "bad" }, `${failed} failed`) : "done";
}
