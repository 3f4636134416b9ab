/** The end of an id: enough to tell two apart. */

export function shortId(id: string): string {
  return id.slice(-6);
}
