// @vitest-environment jsdom
import {beforeEach, describe, expect, test, vi} from "vitest";

import {type ChatState, IDLE_CHAT} from "./chat-state";
import {View} from "./view";

const EVIL = '<img src=x onerror="alert(1)"><b>bold</b>';

const LIVE: ChatState = {
  ...IDLE_CHAT,
  phase: "live",
  connected: true,
  contact: {type: "contact", version: 1, state: "CONNECTED", prompt: null, messages: []},
  messages: [{no: 1, author: "AGENT", text: EVIL, at: ""}],
};

describe("the widget on the page", () => {
  let root: ShadowRoot;
  let view: View;
  const customer = {opened: vi.fn(), closed: vi.fn(), said: vi.fn(), chose: vi.fn(), left: vi.fn(), again: vi.fn()};

  const find = (testid: string): HTMLElement => {
    const found = root.querySelector<HTMLElement>(`[data-testid="${testid}"]`);
    if (found === null) throw new Error(`${testid} is not there`);
    return found;
  };

  beforeEach(() => {
    vi.stubGlobal(
      "CSSStyleSheet",
      class {
        replaceSync = vi.fn();
      },
    );
    root = document.body.appendChild(document.createElement("div")).attachShadow({mode: "open"});
    Object.defineProperty(root, "adoptedStyleSheets", {value: [], writable: true});
    view = new View(root, customer);
    view.speak("en");
    view.render(LIVE);
    for (const heard of Object.values(customer)) heard.mockClear();
  });

  test("shows markup in a message as text", () => {
    expect(find("tl-log").textContent).toContain(EVIL);
    expect(root.querySelectorAll("img, b")).toHaveLength(0);
  });

  test("shows markup in a choice as text and says which was chosen", () => {
    const option = {option_id: "x", label: EVIL};
    const contact = {...LIVE.contact, prompt: {node_id: "n", text: EVIL, options: [option]}} as ChatState["contact"];
    view.render({...LIVE, contact});
    find("tl-option-x").click();
    expect(root.querySelectorAll("img, b")).toHaveLength(0);
    expect(customer.chose).toHaveBeenCalledWith(option);
  });

  test("shows what may be chosen while waiting under a caption, and gives the focus back once it is gone", () => {
    const choices = [{option_id: "2", label: {zh: "销售", en: "Sales"}}];
    const waiting = {...LIVE.contact, state: "QUEUED", choices} as ChatState["contact"];
    view.show();
    view.render({...LIVE, contact: waiting});
    expect(root.querySelector(".options")?.textContent).toBe("While you waitSales");
    view.speak("zh");
    expect(root.querySelector(".options")?.textContent).toBe("等待期间您可以销售");
    find("tl-option-2").focus();
    view.render(LIVE);
    expect(root.querySelector<HTMLElement>(".options")?.hidden).toBe(true);
    expect(root.activeElement).toBe(find("tl-input"));
  });

  test("sends with Enter, but not while an input method composes a character", () => {
    const input = find("tl-input") as HTMLTextAreaElement;
    input.value = " nihao ";
    input.dispatchEvent(new KeyboardEvent("keydown", {key: "Enter", isComposing: true}));
    expect(customer.said).not.toHaveBeenCalled();
    input.dispatchEvent(new KeyboardEvent("keydown", {key: "Enter", shiftKey: true}));
    expect(customer.said).not.toHaveBeenCalled();
    input.dispatchEvent(new KeyboardEvent("keydown", {key: "Enter"}));
    expect(customer.said).toHaveBeenCalledWith("nihao");
    expect(input.value).toBe("");
  });

  test("opens and closes, also with Escape", () => {
    find("tl-open").click();
    expect(view.isOpen).toBe(true);
    expect(find("tl-open").getAttribute("aria-expanded")).toBe("true");
    find("tl-input").dispatchEvent(new KeyboardEvent("keydown", {key: "Escape", bubbles: true}));
    expect(view.isOpen).toBe(false);
    expect(customer.closed).toHaveBeenCalledOnce();
  });

  test("counts what came while it was closed", () => {
    const badge = () => root.querySelector(".badge")?.textContent;
    expect(badge()).toBe("1");
    view.show();
    expect(badge()).toBe("");
  });

  test("keeps the bubbles that are there when a new one comes", () => {
    const first = find("tl-log").firstElementChild;
    view.render({...LIVE, messages: [...LIVE.messages, {no: 2, author: "CUSTOMER", text: "hi", at: ""}]});
    expect(find("tl-log").firstElementChild).toBe(first);
    expect(find("tl-log").children).toHaveLength(2);
  });

  test("speaks the other language at once", () => {
    view.speak("zh");
    expect(find("tl-send").textContent).toBe("发送");
    expect(find("tl-status").textContent).toBe("客服已接入");
  });

  test("offers a new chat when this one has ended", () => {
    view.render({...LIVE, contact: {type: "contact", version: 2, state: "CLOSED", prompt: null, messages: []}});
    expect(find("tl-leave").hidden).toBe(true);
    find("tl-again").click();
    expect(customer.again).toHaveBeenCalledOnce();
  });

  test("shows an answered question and its answer in the page's language", () => {
    const question = {zh: "需要什么？", en: "What do you need?"};
    view.render({...LIVE, told: [{key: "1", after_no: 0, question, answer: {zh: "人工", en: "A person"}}]});
    expect(find("tl-log").textContent).toMatch(/What do you need\?.*A person.*bold/);
    view.speak("zh");
    expect(find("tl-log").textContent).toMatch(/需要什么？.*人工/);
  });
});
