/** The demo shop: a plain page of somebody else's that embeds the chat widget with one script tag. */

type Language = "zh" | "en";

const TEXTS = {
  zh: {
    name: "青禾商城",
    nav: "导航",
    goods: "本周好物",
    service: "客户服务",
    slogan: "把四季的新鲜送到家",
    promise: "产地直发，48 小时内送达，七天无理由退换。",
    ask: "有问题？联系客服",
    serviceText: "订单、售后、购买咨询，点击右下角的聊天按钮，随时找到我们。",
    noChat: "在线客服暂时不可用。",
    demo: "这是 Trunkline 的演示页面，不出售任何商品。",
    language: "English",
  },
  en: {
    name: "Greenfield Shop",
    nav: "Pages",
    goods: "Good things this week",
    service: "Customer service",
    slogan: "The seasons, fresh at your door",
    promise: "Straight from the farm, within 48 hours, seven days to send it back.",
    ask: "A question? Talk to us",
    serviceText: "Orders, returns, advice: the chat button at the bottom right always finds us.",
    noChat: "The chat is not available right now.",
    demo: "This is a demo page of Trunkline. Nothing is sold here.",
    language: "中文",
  },
};

const GOODS: {picture: string; zh: string; en: string; price: string}[] = [
  {picture: "tea", zh: "明前龙井 100 克", en: "Spring Longjing tea, 100 g", price: "¥128"},
  {picture: "honey", zh: "秦岭土蜂蜜", en: "Qinling wild honey", price: "¥69"},
  {picture: "orange", zh: "赣南脐橙 5 斤", en: "Gannan oranges, 2.5 kg", price: "¥45"},
  {picture: "rice", zh: "五常大米 5 公斤", en: "Wuchang rice, 5 kg", price: "¥89"},
];

const REMEMBERED = "shop.language";

interface Configuration {
  channels_url: string;
  demo_entry_point: string;
}

let language: Language = rememberedLanguage();

function rememberedLanguage(): Language {
  const wanted = localStorage.getItem(REMEMBERED) ?? navigator.language;
  return wanted.toLowerCase().startsWith("zh") ? "zh" : "en";
}

function show(): void {
  const texts = TEXTS[language];
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  document.title = texts.name;
  for (const target of document.querySelectorAll<HTMLElement>("[data-text]")) {
    target.textContent = texts[target.dataset.text as keyof typeof texts];
  }
  document.querySelector("nav")?.setAttribute("aria-label", texts.nav);
  const button = document.getElementById("language");
  if (button !== null) {
    button.textContent = texts.language;
    button.lang = language === "zh" ? "en" : "zh-CN";
  }
  document.getElementById("shelf")?.replaceChildren(...GOODS.map(shelved));
}

function shelved(good: (typeof GOODS)[number]): HTMLElement {
  const [place, name, price] = [
    document.createElement("li"),
    document.createElement("h3"),
    document.createElement("p"),
  ];
  const picture = new Image(96, 96);
  picture.src = `/shop/${good.picture}.svg`;
  picture.alt = "";
  name.textContent = good[language];
  price.textContent = good.price;
  place.append(picture, name, price);
  return place;
}

/** `/shop/?entry_point=ep_…` shows what a customer of another entry point meets. */
const WANTED = new URLSearchParams(window.location.search).get("entry_point");

/** What a page's owner would write into the page as one script tag. */
function embedWidget({channels_url, demo_entry_point}: Configuration): void {
  const script = document.createElement("script");
  script.src = "/widget/widget.js";
  script.dataset.entryPoint = WANTED ?? demo_entry_point;
  script.dataset.channels = channels_url;
  document.body.append(script);
}

async function start(): Promise<void> {
  show();
  document.getElementById("language")?.addEventListener("click", () => {
    language = language === "zh" ? "en" : "zh";
    localStorage.setItem(REMEMBERED, language);
    show();
  });
  document.querySelector("[data-chat]")?.addEventListener("click", openChat);
  const answer = await fetch("/config.json");
  embedWidget((await answer.json()) as Configuration);
}

function openChat(): void {
  const launcher = document
    .querySelector("trunkline-chat")
    ?.shadowRoot?.querySelector<HTMLElement>("[data-testid=tl-open]");
  if (launcher?.getAttribute("aria-expanded") !== "true") launcher?.click();
}

start().catch(() => {
  const failure = document.getElementById("failure");
  if (failure !== null) failure.hidden = false;
});
