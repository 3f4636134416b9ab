/** Ids of commands: UUIDv7 (RFC 9562). The server compares the time inside with its own and refuses old ids. */

/** @param now_ms Unix time, best the server's. @param random ten random bytes. */
export function uuid7(now_ms: number, random: Uint8Array = crypto.getRandomValues(new Uint8Array(10))): string {
  const time = Math.floor(now_ms).toString(16).padStart(12, "0");
  const rest = Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const variant = ((random[2] ?? 0) & 0x3f) | 0x80;
  const words = [time.slice(0, 8), time.slice(8), `7${rest.slice(1, 4)}`];
  return [...words, variant.toString(16) + rest.slice(6, 8), rest.slice(8)].join("-");
}
