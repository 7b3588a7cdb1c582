// The stream of server-sent events, kept alive: after a drop it goes on from the last height that was seen.
import { session } from "./session.js";

const EVENTS = ["begin", "block", "markets", "prices", "trades", "book", "account", "fills", "gap", "end", "beat"];
const SILENCE_MS = 15000;
const FIRST_MS = 500, LAST_MS = 8000;
let highest = 0; // of this page, in all its streams

/** Follow `/api/stream` with parameters. `on(event, data, height)`; `onState(live, height)`. Returns {close}. */
export function follow(parameters, on, onState) {
  let source = null, height = 0, closed = false, delay = FIRST_MS, timer = 0, silence = 0, paused = false;

  function open() {
    paused = false;
    const query = new URLSearchParams(parameters);
    if (height) query.set("after", String(height));
    source = new EventSource(`/api/stream?${query}`);
    for (const name of EVENTS) source.addEventListener(name, heard);
    source.onerror = again;
    hush();
  }

  function heard(event) {
    if (closed) return;
    if (event.lastEventId) height = Number(event.lastEventId);
    hush();
    if (event.type === "end") {
      again();
      return;
    }
    delay = FIRST_MS;
    const data = JSON.parse(event.data);
    if (event.type === "begin" && (data.chain_id !== session.params.chain_id || Number(data.model_height) < highest)) {
      // Another chain, or this one begun anew: nothing that the page shows is of it, nor would it take what is signed here.
      location.reload();
      return;
    }
    highest = Math.max(highest, height);
    on(event.type, data, height);
    onState(true, height);
  }

  function hush() {
    clearTimeout(silence);
    silence = setTimeout(again, SILENCE_MS);
  }

  function again() {
    if (closed || paused) return;
    source.close();
    clearTimeout(silence);
    clearTimeout(timer);
    onState(false, height);
    timer = setTimeout(open, delay);
    delay = Math.min(2 * delay, LAST_MS);
  }

  // A browser has six connections for one address, and keeps those of pages that nobody sees: let go of ours.
  function shown() {
    if (document.hidden) pause();
    else if (paused) open();
  }

  function pause() {
    paused = true;
    clearTimeout(timer);
    clearTimeout(silence);
    source.close();
  }

  addEventListener("pagehide", pause);
  addEventListener("pageshow", shown);
  document.addEventListener("visibilitychange", shown);
  open();
  return {
    close() {
      closed = true;
      removeEventListener("pagehide", pause);
      removeEventListener("pageshow", shown);
      document.removeEventListener("visibilitychange", shown);
      pause();
    },
    get height() {
      return height;
    },
  };
}
