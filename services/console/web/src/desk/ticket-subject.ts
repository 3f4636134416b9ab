/** Proposes the subject of a ticket. */

/** Of each half, in characters: both stay far below the server's limit of 1024 bytes. */
const LONGEST = 60;

/**
 * What the customer wanted, as far as it is known: what the menu gathered, else the longest of the first messages, else
 * who it was. One line; blank only when everything is.
 */
export function proposedSubject(
  queue: string,
  customer: string,
  gathered: readonly string[],
  texts: readonly string[],
): string {
  const wanted = longest(gathered) || longest(texts.slice(0, 3)) || asLine(customer);
  return [asLine(queue), wanted].filter(Boolean).map(shortened).join(" · ");
}

function longest(texts: readonly string[]): string {
  return texts.map(asLine).reduce((best, text) => (text.length > best.length ? text : best), "");
}

/** The server takes no control characters. */
function asLine(text: string): string {
  return text.replace(/[\s\p{Cc}]+/gu, " ").trim();
}

function shortened(line: string): string {
  const characters = Array.from(line);
  return characters.length <= LONGEST ? line : `${characters.slice(0, LONGEST - 1).join("")}…`;
}
