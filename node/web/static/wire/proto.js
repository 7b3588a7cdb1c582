// Protobuf in its canonical form: fields in number order, minimal varints, no default values, nothing else.
// A message is described by its schema: {name: [number, kind]}; kinds are "uint" (varint), "sint" (zigzag), "bool",
// "fixed" (8 bytes), "bytes", a schema of its own, or [schema] for many of them. Integers are BigInt, or safe numbers.

const MOST = (1n << 64n) - 1n;

/** The bytes of a message. Throws RangeError for what does not fit, TypeError for an unknown field. */
export function encode(schema, message) {
  for (const name of Object.keys(message)) {
    if (!(name in schema)) throw new TypeError(`no field ${name}`);
  }
  const fields = Object.entries(schema).sort(([, a], [, b]) => a[0] - b[0]);
  const out = [];
  for (const [name, [number, kind]] of fields) {
    const value = message[name];
    if (value === undefined || value === null) continue;
    for (const one of Array.isArray(kind) ? value : [value]) {
      field(out, number, Array.isArray(kind) ? kind[0] : kind, one);
    }
  }
  return Uint8Array.from(out);
}

function field(out, number, kind, value) {
  if (kind === "uint" || kind === "sint" || kind === "bool") {
    const plain = kind === "bool" ? (value ? 1n : 0n) : kind === "sint" ? zigzag(whole(value)) : whole(value);
    if (plain === 0n) return;
    varint(out, BigInt(number) << 3n);
    varint(out, plain);
    return;
  }
  if (kind === "fixed") {
    const plain = whole(value);
    if (plain === 0n) return;
    varint(out, (BigInt(number) << 3n) | 1n);
    for (let place = 0n; place < 64n; place += 8n) out.push(Number((plain >> place) & 255n));
    return;
  }
  if (kind === "bytes" && value.length === 0) return;
  const bytes = kind === "bytes" ? value : encode(kind, value);
  varint(out, (BigInt(number) << 3n) | 2n);
  varint(out, BigInt(bytes.length));
  for (const byte of bytes) out.push(byte);
}

function whole(value) {
  if (typeof value === "number" && !Number.isSafeInteger(value)) throw new RangeError(`${value} is not a safe integer`);
  return BigInt(value);
}

function zigzag(value) {
  return value < 0n ? -value * 2n - 1n : value * 2n;
}

function varint(out, value) {
  if (value < 0n || value > MOST) throw new RangeError(`${value} does not fit into 64 bits`);
  while (value > 127n) {
    out.push(Number(value & 127n) | 128);
    value >>= 7n;
  }
  out.push(Number(value));
}
