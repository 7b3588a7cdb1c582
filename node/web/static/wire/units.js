// Between decimals for people and the chain's integers, exactly or not at all. No floats: BigInt throughout.

const USD = 1000000n, SMALL_PLACES = 3;

/** A decimal as [digits, places]: "46000.5" is [460005n, 1]. Null when it is none. */
export function decimal(text) {
  const found = /^\s*([+-]?)(\d{0,30})(?:[.,](\d{0,18}))?\s*$/.exec(text);
  if (!found || !(found[2] || found[3])) return null;
  const places = (found[3] || "").length;
  const digits = BigInt((found[2] || "") + (found[3] || ""));
  return [found[1] === "-" ? -digits : digits, places];
}

/** numerator / denominator with so many places, rounded half away from zero, thousands apart. */
export function ratio(numerator, denominator, places, group = true) {
  const scale = 10n ** BigInt(places);
  const negative = numerator < 0n !== denominator < 0n;
  const top = (numerator < 0n ? -numerator : numerator) * scale, bottom = denominator < 0n ? -denominator : denominator;
  const rounded = (2n * top + bottom) / (2n * bottom);
  let units = (rounded / scale).toString();
  if (group) units = units.replace(/\B(?=(\d{3})+$)/g, ",");
  const text = places ? `${units}.${(rounded % scale).toString().padStart(places, "0")}` : units;
  return negative && rounded !== 0n ? `−${text}` : text;
}

/** Quote quanta in USD. */
export function usd(quanta, places = 2) {
  return ratio(BigInt(quanta), USD, places);
}

/** How one market counts; `market` is the record of /api/markets. */
export class Units {
  constructor(market) {
    [this.lot, this.lotPlaces] = decimal(market.lot_size);
    [this.tick, this.tickPlaces] = decimal(market.tick_size);
    this.tickQuanta = BigInt(market.tick_quanta);
    this.tickText = market.tick_size;
    this.lotText = market.lot_size;
  }

  /** Quote quanta a lot as a price for people. A mark may be less than half a tick: it is shown, not called 0. */
  price(quanta, group = true) {
    const top = BigInt(quanta) * 10n ** BigInt(this.lotPlaces), bottom = this.lot * USD;
    const small = top > 0n && 2n * top * 10n ** BigInt(this.tickPlaces) < bottom;
    return ratio(top, bottom, this.tickPlaces + (small ? SMALL_PLACES : 0), group);
  }

  /** A price as a number, for pictures only. */
  priceNumber(quanta) {
    return Number(quanta) * 10 ** this.lotPlaces / (Number(this.lot) * 1e6);
  }

  /** Lots as a size. */
  size(lots, group = true) {
    return ratio(BigInt(lots) * this.lot, 10n ** BigInt(this.lotPlaces), this.lotPlaces, group);
  }

  sizeNumber(lots) {
    return Number(lots) * Number(this.lot) / 10 ** this.lotPlaces;
  }

  /** {value} in lots, or {error} in words. */
  lots(text) {
    const found = decimal(text);
    if (!found || found[0] <= 0n) return { error: "Size: write a number above 0." };
    const top = found[0] * 10n ** BigInt(this.lotPlaces), bottom = this.lot * 10n ** BigInt(found[1]);
    if (top % bottom) return { error: `Size: a multiple of ${this.lotText}; try ${this.size(top / bottom || 1n, false)}.` };
    return { value: top / bottom };
  }

  /** {value} in quote quanta a lot, or {error} in words. */
  quanta(text) {
    const found = decimal(text);
    if (!found || found[0] <= 0n) return { error: "Price: write a number above 0." };
    const top = found[0] * 10n ** BigInt(this.tickPlaces), bottom = this.tick * 10n ** BigInt(found[1]);
    if (top % bottom) {
      return { error: `Price: a multiple of ${this.tickText}; try ${this.price((top / bottom || 1n) * this.tickQuanta, false)}.` };
    }
    return { value: (top / bottom) * this.tickQuanta };
  }

  /** The nearest price on a tick, not above (or not below) what is given. */
  onTick(quanta, up) {
    const below = quanta / this.tickQuanta * this.tickQuanta;
    return up && below < quanta ? below + this.tickQuanta : below;
  }
}
