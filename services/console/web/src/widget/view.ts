/** The widget on the page, inside a shadow root. Owns elements and what they show; says what the customer does. */

import type {ChatMessage, Option} from "../contract/chat";
import {inLanguage, type Language} from "../contract/text";
import {
  type ChatState,
  choicesOf,
  isOver,
  optionsOf,
  questionOf,
  type Sent,
  statusOf,
  type Told,
  transcriptOf,
} from "./chat-state";
import {element, icon} from "./element";
import {STYLE} from "./style";
import {TEXTS, type WidgetText} from "./texts";

export interface Customer {
  opened(): void;
  closed(): void;
  said(text: string): void;
  chose(option: Option): void;
  left(): void;
  again(): void;
}

const SPEECH = "M4 4h16v12H9l-5 4z";
const CROSS = "M6 6l12 12M18 6L6 18";
const LONGEST = 4000;

export class View {
  readonly #customer: Customer;
  readonly #launcher: HTMLButtonElement;
  readonly #badge = element("span", "badge");
  readonly #panel: HTMLElement;
  readonly #heading = element("h2", "heading", {attributes: {id: "tl-heading"}});
  readonly #status = element("p", "status", {attributes: {role: "status", "data-testid": "tl-status"}});
  readonly #log = element("div", "log", {attributes: {role: "log", tabindex: "0", "data-testid": "tl-log"}});
  readonly #options = element("div", "options", {attributes: {role: "group", "aria-labelledby": "tl-choices"}});
  readonly #input: HTMLTextAreaElement;
  readonly #send: HTMLButtonElement;
  readonly #leave: HTMLButtonElement;
  readonly #close: HTMLButtonElement;
  readonly #again: HTMLButtonElement;
  readonly #form: HTMLFormElement;
  #language: Language = "en";
  #state: ChatState | null = null;
  #seen_no = 0;
  #shownOptions = "";

  constructor(root: ShadowRoot, customer: Customer) {
    this.#customer = customer;
    this.#launcher = button("launcher", "tl-open", () => this.toggle(), icon(SPEECH));
    this.#launcher.append(this.#badge);
    this.#close = button("plain", "tl-close", () => this.hide(), icon(CROSS));
    this.#leave = button("plain leave", "tl-leave", () => customer.left());
    this.#again = button("primary again", "tl-again", () => customer.again());
    this.#input = element("textarea", "input", {
      attributes: {rows: "2", maxlength: LONGEST.toString(), "data-testid": "tl-input"},
    });
    this.#send = element("button", "primary", {attributes: {type: "submit", "data-testid": "tl-send"}});
    this.#form = element("form", "form", {children: [this.#input, this.#send]});
    this.#panel = this.#build();
    this.#listen();
    root.adoptedStyleSheets = [sheet()];
    root.append(this.#panel, this.#launcher);
  }

  get isOpen(): boolean {
    return !this.#panel.hidden;
  }

  toggle(): void {
    if (this.isOpen) this.hide();
    else this.show();
  }

  show(): void {
    this.#panel.hidden = false;
    this.#launcher.setAttribute("aria-expanded", "true");
    this.#customer.opened();
    this.#showBadge();
    this.#toNewest();
    this.#input.focus();
  }

  hide(): void {
    this.#panel.hidden = true;
    this.#launcher.setAttribute("aria-expanded", "false");
    this.#customer.closed();
    this.#launcher.focus();
  }

  speak(language: Language): void {
    this.#language = language;
    const labels: [Element, WidgetText][] = [
      [this.#launcher, "open"],
      [this.#close, "close"],
      [this.#log, "log"],
      [this.#input, "input"],
    ];
    for (const [target, text] of labels) target.setAttribute("aria-label", this.#text(text));
    this.#heading.textContent = this.#text("title");
    this.#send.textContent = this.#text("send");
    this.#leave.textContent = this.#text("leave");
    this.#again.textContent = this.#text("again");
    this.#input.placeholder = this.#text("placeholder");
    this.#panel.lang = this.#launcher.lang = language === "zh" ? "zh-CN" : "en";
    this.#log.replaceChildren();
    this.#shownOptions = "";
    if (this.#state !== null) this.render(this.#state);
  }

  render(state: ChatState): void {
    this.#state = state;
    const status = this.#text(statusOf(state));
    if (this.#status.textContent !== status) this.#status.textContent = status;
    this.#status.dataset.state = state.contact?.state ?? state.phase;
    const over = isOver(state) || state.phase === "refused";
    this.#form.hidden = over;
    this.#again.hidden = !over;
    this.#leave.hidden = over || state.contact === null;
    this.#send.disabled = state.contact === null;
    this.#showMessages(state);
    this.#showOptions(optionsOf(state), choicesOf(state));
    this.#showBadge();
  }

  #build(): HTMLElement {
    const titles = element("div", "titles", {children: [this.#heading, this.#status]});
    const head = element("div", "head", {children: [titles, this.#leave, this.#close]});
    const panel = element("section", "panel", {
      children: [head, this.#log, this.#options, this.#again, this.#form],
      attributes: {role: "dialog", "aria-labelledby": "tl-heading", "data-testid": "tl-panel"},
    });
    panel.hidden = true;
    return panel;
  }

  #listen(): void {
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#input.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#submit();
    });
    this.#panel.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !event.isComposing) this.hide();
    });
  }

  #submit(): void {
    const text = this.#input.value.trim();
    if (text === "" || this.#send.disabled) return;
    this.#input.value = "";
    this.#customer.said(text);
  }

  /** Bubbles are kept, so that a screen reader hears only what is new. */
  #showMessages(state: ChatState): void {
    const question = questionOf(state, this.#language);
    const wanted: [string, () => HTMLElement][] = [
      ...transcriptOf(state).flatMap((entry) => ("no" in entry ? [this.#message(entry)] : this.#told(entry))),
      ...state.sent.map((sent): [string, () => HTMLElement] => [
        `sent ${sent.key} ${sent.failed}`,
        () => this.#echo(sent),
      ]),
      ...(question === ""
        ? []
        : [[`ask ${question}`, () => this.#question(question)] satisfies [string, () => HTMLElement]]),
    ];
    if (reconcile(this.#log, wanted)) this.#toNewest();
  }

  #message(message: ChatMessage): [string, () => HTMLElement] {
    return [messageKey(message), () => this.#bubble(message)];
  }

  #told({key, question, answer}: Told): [string, () => HTMLElement][] {
    const asked = inLanguage(question, this.#language);
    const said = inLanguage(answer, this.#language);
    const bubble: [string, () => HTMLElement] = [`told ${key}`, () => speech("customer", this.#text("you"), said)];
    return asked === "" ? [bubble] : [[`asked ${key}`, () => this.#question(asked)], bubble];
  }

  #bubble(message: ChatMessage): HTMLElement {
    const author = ({CUSTOMER: "you", AGENT: "agent", SYSTEM: "assistant"} as const)[message.author];
    return speech(message.author.toLowerCase(), this.#text(author), inLanguage(message.text, this.#language));
  }

  #echo(sent: Sent): HTMLElement {
    const note = this.#text(sent.failed ? "notSent" : "sending");
    return speech(sent.failed ? "customer failed" : "customer sending", note, sent.text);
  }

  #question(text: string): HTMLElement {
    return speech("system", this.#text("assistant"), text);
  }

  /** A question's options, or what may be chosen while waiting, which goes when an agent has accepted. */
  #showOptions(options: readonly Option[], choices: readonly Option[]): void {
    const shown = JSON.stringify([options, choices]);
    if (shown === this.#shownOptions) return;
    this.#shownOptions = shown;
    const hadFocus = this.#options.contains((this.#options.getRootNode() as ShadowRoot).activeElement);
    const caption = choices.length === 0 ? [] : [this.#caption()];
    this.#options.hidden = options.length + choices.length === 0;
    this.#options.replaceChildren(...caption, ...[...options, ...choices].map((option) => this.#choice(option)));
    if (hadFocus) this.#input.focus();
    this.#toNewest();
  }

  #caption(): HTMLElement {
    return element("span", "caption", {text: this.#text("choices"), attributes: {id: "tl-choices"}});
  }

  #choice(option: Option): HTMLElement {
    const choice = button("option", `tl-option-${option.option_id}`, () => {
      this.#customer.chose(option);
      this.#input.focus();
    });
    choice.textContent = inLanguage(option.label, this.#language);
    return choice;
  }

  #showBadge(): void {
    const heard = this.#state?.messages.filter(({author}) => author !== "CUSTOMER").at(-1)?.no ?? 0;
    if (this.isOpen) this.#seen_no = heard;
    const unseen =
      this.#state?.messages.filter(({no, author}) => no > this.#seen_no && author !== "CUSTOMER").length ?? 0;
    this.#badge.textContent = unseen === 0 ? "" : unseen.toString();
    this.#badge.hidden = unseen === 0;
  }

  #toNewest(): void {
    this.#log.scrollTop = this.#log.scrollHeight;
  }

  #text(text: WidgetText): string {
    return TEXTS[this.#language][text];
  }
}

function messageKey({no, text}: ChatMessage): string {
  return `message ${no} ${JSON.stringify(text)}`;
}

/** Make the children of `parent` be the wanted ones in this order; keep those that are there. @returns any change. */
function reconcile(parent: HTMLElement, wanted: readonly [string, () => HTMLElement][]): boolean {
  const known = new Map(Array.from(parent.children, (child) => [(child as HTMLElement).dataset.key, child]));
  const keys = new Set(wanted.map(([key]) => key));
  for (const [key, child] of known) if (key === undefined || !keys.has(key)) child.remove();
  let changed = parent.children.length !== wanted.length;
  wanted.forEach(([key, make], index) => {
    const there = parent.children.item(index);
    if (there !== null && (there as HTMLElement).dataset.key === key) return;
    changed = true;
    const child = known.get(key) ?? make();
    (child as HTMLElement).dataset.key = key;
    parent.insertBefore(child, there);
  });
  return changed;
}

function speech(kind: string, author: string, text: string): HTMLElement {
  const head = element("span", "author", {text: author});
  return element("div", `bubble ${kind}`, {children: [head, element("span", "text", {text})]});
}

function button(className: string, testid: string, pressed: () => void, picture?: Node): HTMLButtonElement {
  const made = element("button", className, {attributes: {type: "button", "data-testid": testid}});
  if (picture !== undefined) made.append(picture);
  made.addEventListener("click", pressed);
  return made;
}

function sheet(): CSSStyleSheet {
  const style = new CSSStyleSheet();
  style.replaceSync(STYLE);
  return style;
}
