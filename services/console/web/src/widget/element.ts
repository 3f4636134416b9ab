/** Makes page elements. Text goes in as text only, never as markup. */

interface Content {
  text?: string;
  children?: readonly Node[];
  attributes?: Readonly<Record<string, string>>;
}

export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className: string,
  {text, children, attributes}: Content = {},
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  if (className !== "") made.className = className;
  for (const [name, value] of Object.entries(attributes ?? {})) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  if (children !== undefined) made.append(...children);
  return made;
}

const SVG = "http://www.w3.org/2000/svg";

/** A picture from one path, 24 by 24. */
export function icon(path: string): SVGElement {
  const picture = document.createElementNS(SVG, "svg");
  picture.setAttribute("viewBox", "0 0 24 24");
  picture.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(SVG, "path");
  line.setAttribute("d", path);
  picture.append(line);
  return picture;
}
