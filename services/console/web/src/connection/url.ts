/** Addresses of WebSockets. */

/** @param base an http or https address; this page's by default. */
export function socketUrl(path: string, base: string = window.location.href): string {
  const url = new URL(path, base);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}
