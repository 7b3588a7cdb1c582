// How things are written for people.

export const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

/** Bytes of hexadecimal digits. Throws RangeError. */
export function unhex(text) {
  const digits = text.trim();
  if (digits.length % 2 || !/^[0-9a-fA-F]*$/.test(digits)) throw new RangeError("these are not hexadecimal digits");
  return Uint8Array.from(digits.match(/../g) || [], (pair) => parseInt(pair, 16));
}

export const short = (text, most = 10) => (text.length > most ? `${text.slice(0, most)}…` : text);

const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const DAY = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium", timeZone: "UTC" });
const ms = (ns) => Number(BigInt(ns) / 1000000n);

/** Nanoseconds since 1970 as a time of the day, or with the day (UTC). */
export const clock = (ns) => CLOCK.format(ms(ns));
export const day = (ns) => (BigInt(ns) ? `${DAY.format(ms(ns))} UTC` : "never");

/** Millionths as percent. */
export const percent = (ppm, places = 2) => `${(Number(ppm) / 10000).toFixed(places).replace("-", "−")} %`;

/** MARGIN_INITIAL as "Margin initial". */
export function words(name) {
  const text = name.toLowerCase().replaceAll("_", " ").replace(/\btxs\b/, "transactions").replace(/ count$/, "");
  return text.charAt(0).toUpperCase() + text.slice(1);
}
