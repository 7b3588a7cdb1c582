// Any account: what it holds, owes and has open.
import { get } from "../lib/api.js";
import { h } from "../lib/dom.js";
import { brief, hexNumber, pairs, proofLink, symbol, table, unitsOf, value } from "./values.js";
import { usd } from "../wire/units.js";

/** `argument` is OWNER/NUMBER. */
export async function accountView(argument) {
  const account = argument.includes("/") ? argument : `${argument}/0`;
  const [now, { orders, triggers }] = await Promise.all([get("account", { account }), get("orders", { account })]);
  const { positions, assets, account: id, used_nonces: nonces, ...figures } = now;
  if (!now.exists) return [h("h2", {}, "Account"), h("p", { class: "hash" }, account), h("p", { class: "quiet" }, "It never held anything.")];
  return [
    h("h2", {}, "Account"), h("p", { class: "hash" }, account), pairs(figures),
    h("p", {}, proofLink("accounts", id.owner + hexNumber(id.number), "Prove it"), " · ", proofLink("orders", id.owner + hexNumber(id.number), "prove its orders")),
    h("h2", {}, "Positions"),
    table("Positions", ["Market", "Size", "Mark", "Profit not realised", "Initial margin", "Maintenance margin"], positions.map((one) => {
      const { market, lots } = one.position, units = unitsOf(market);
      return [symbol(market), units.size(lots), units.price(one.mark_price_quanta), `${usd(one.unrealised_pnl_quanta)} USD`, `${usd(one.initial_margin_quanta)} USD`, `${usd(one.maintenance_margin_quanta)} USD`];
    })),
    h("h2", {}, "Open orders"),
    table("Open orders", ["Market", "Side", "Price", "Open"], orders.map((order) => {
      const market = Number(BigInt(order.order_id) >> 40n);
      return [symbol(market), order.side, unitsOf(market).price(order.price_quanta), unitsOf(market).size(order.open_lots)];
    })),
    h("h2", {}, "Triggers"),
    table("Triggers", ["Market", "Side", "Limit", "Size", "Terms"], triggers.map((one) => {
      const market = Number(BigInt(one.trigger_id) >> 40n);
      return [symbol(market), one.side, unitsOf(market).price(one.price_quanta), unitsOf(market).size(one.size_lots), brief(one, unitsOf(market))];
    }), true),
    ...(assets.length ? [h("h2", {}, "Other collateral"), ...assets.map((one) => value("asset", one))] : []),
  ];
}
