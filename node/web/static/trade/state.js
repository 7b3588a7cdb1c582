// What the parts of the trading page share.

export const state = {
  market: 0,
  markets: new Map(), // number -> summary
  units: new Map(), // number -> Units
  marks: new Map(), // number -> {mark_quanta, index_quanta, validity}
  book: { bids: [], asks: [] },
  account: null,
  orders: null,
  height: 0,
  timeNs: 0n,

  get summary() {
    return this.markets.get(this.market);
  },
  get unit() {
    return this.units.get(this.market);
  },
  symbol(market) {
    return this.markets.get(market)?.market.symbol ?? `market ${market}`;
  },
  mark(market) {
    return BigInt(this.marks.get(market)?.mark_quanta ?? this.markets.get(market)?.mark_price_quanta ?? 0);
  },
};
