/** Proposes the subject of a ticket. */

const LONGEST = 60;

/** What the customer wanted, as far as it is known: what the menu gathered, else the longest of the first messages. */
export function proposedSubject(
  queue: string,
  customer: string,
  gathered: readonly string[],
  texts: readonly string[],
): string {
  const wanted = longest(gathered) || longest(texts.slice(0, 3));
  return [queue, wanted === "" ? customer : shortened(wanted)].join(" · ");
}

function longest(texts: readonly string[]): string {
  return texts.reduce((best, text) => (text.trim().length > best.length ? text.trim() : best), "");
}

function shortened(text: string): string {
  const line = text.replace(/\s+/g, " ");
  const characters = Array.from(line);
  return characters.length <= LONGEST ? line : `${characters.slice(0, LONGEST - 1).join("")}…`;
}
