/**
 * The chat widget. A page embeds it with one script tag:
 * `<script src="…/widget/widget.js" data-entry-point="ep_…" data-channels="https://…" data-locale="zh" async></script>`
 */

import type {Language} from "../contract/text";
import {Chat} from "./chat";
import {Memory} from "./memory";
import {languageOf} from "./texts";
import {View} from "./view";

const HOST = "trunkline-chat";

interface Embedding {
  entry_point_id: string;
  channels: string;
  /** Fixed by the page; else the page's language is followed. */
  locale: string | undefined;
}

function embeddingOf(script: HTMLOrSVGScriptElement | null): Embedding | null {
  const {entryPoint, channels, locale} = script?.dataset ?? {};
  if (entryPoint === undefined || channels === undefined) {
    console.error("Trunkline chat: the script tag needs data-entry-point and data-channels.");
    return null;
  }
  return {entry_point_id: entryPoint, channels, locale};
}

function embed({entry_point_id, channels, locale}: Embedding): void {
  const memory = new Memory(entry_point_id);
  const language = (): Language => languageOf(locale ?? (document.documentElement.lang || navigator.language));
  const host = document.createElement(HOST);
  const chat = new Chat(channels, entry_point_id, memory, () => view.render(chat.state));
  const view: View = new View(host.attachShadow({mode: "open"}), {
    opened: () => {
      memory.rememberOpen(true);
      chat.start(language());
    },
    closed: () => memory.rememberOpen(false),
    said: (text) => chat.say(text),
    chose: (option) => chat.choose(option, language()),
    left: () => chat.leave(),
    again: () => chat.again(language()),
  });
  view.speak(language());
  view.render(chat.state);
  new MutationObserver(() => view.speak(language())).observe(document.documentElement, {attributeFilter: ["lang"]});
  document.body.append(host);
  chat.resume();
  if (memory.wasOpen() && memory.session() !== null) view.show();
}

const embedding = embeddingOf(document.currentScript);
if (embedding !== null && document.querySelector(HOST) === null) {
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", () => embed(embedding));
  else embed(embedding);
}
