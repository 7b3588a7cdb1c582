// The gateway's JSON API. Every failure is an ApiError with a reason, words and what to do next.

export class ApiError extends Error {
  constructor({ reason, message, next, metadata }) {
    super(message);
    this.reason = reason;
    this.next = next;
    this.metadata = metadata || {};
  }
}

async function ask(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new ApiError({ reason: "UNREACHABLE", message: "The gateway does not answer.", next: "Check that the node runs; the page tries again." });
  }
  const body = await response.json().catch(() => ({}));
  if (!response.ok) {
    throw new ApiError({ reason: body.reason || `HTTP_${response.status}`, message: body.message || response.statusText, next: body.next || "Try again.", metadata: body.metadata });
  }
  return body;
}

/** GET /api/`path` with parameters. */
export const get = (path, parameters = {}) => ask(`/api/${path}?${new URLSearchParams(parameters)}`);

const base64 = (bytes) => btoa(String.fromCharCode(...bytes));
const written = (_, value) => (typeof value === "bigint" ? value.toString() : value instanceof Uint8Array ? base64(value) : value);

/** POST JSON to /api/`path`. BigInts are written as text, bytes as base64. */
export const post = (path, body) => ask(`/api/${path}`, {
  method: "POST", headers: { "content-type": "application/json" },
  body: JSON.stringify(body, written),
});

/** POST one signed envelope. */
export const submit = (bytes) => ask("/api/submit", {
  method: "POST", headers: { "content-type": "application/octet-stream" }, body: bytes,
});
