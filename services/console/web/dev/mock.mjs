/**
 * A stand-in for console and chat edge, for development and looking at pages only: one agent, everything in memory,
 * nothing checked. Serves `dist` with the product's CSP. `POST /mock/<what>` plays what customers and failures do.
 * `node dev/mock.mjs [port]`; the chat edge listens on the next port.
 */

import {readFile} from "node:fs/promises";
import {createServer} from "node:http";
import {extname, join, normalize} from "node:path";
import {fileURLToPath} from "node:url";

import {WebSocketServer} from "ws";

const PORT = Number(process.argv[2] ?? 7790);
const DIST = fileURLToPath(new URL("../dist", import.meta.url));
const EDGE = `127.0.0.1:${PORT + 1}`;
const CSP = `default-src 'self'; connect-src 'self' http://${EDGE} ws://${EDGE}; style-src 'self' 'unsafe-inline'`;
const KINDS = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"};
const LEASE_MS = Number(process.env.LEASE_MS ?? 30_000);
const USERS = {
  li: {user_id: "us_li", name: "李娜 Li Na", roles: ["AGENT"], agent_id: "ag_li"},
  zhao: {user_id: "us_zhao", name: "赵敏 Zhao Min", roles: ["SUPERVISOR"], agent_id: null},
};
const TENANT = {tenant_id: "tn_demo", tenant_name: "演示商城 Demo Shop", time_zone: "Asia/Shanghai"};
const DIRECTORY = {
  queues: [
    {queue_id: "qu_support", name: {zh: "售后客服", en: "Support"}},
    {queue_id: "qu_sales", name: {zh: "售前咨询", en: "Sales"}},
  ],
  agents: [
    {agent_id: "ag_li", name: "李娜 Li Na", skills: [{skill: "support", level: 4}]},
    {agent_id: "ag_wang", name: "王强 Wang Qiang", skills: [{skill: "support", level: 3}]},
    {agent_id: "ag_chen", name: "陈晨 Chen Chen", skills: []},
    {agent_id: "ag_zhou", name: "周婷 Zhou Ting", skills: []},
    {agent_id: "ag_wu", name: "吴磊 Wu Lei", skills: []},
  ],
  wrap_up_codes: [
    {code: "resolved", name: {zh: "已解决", en: "Resolved"}},
    {code: "follow_up", name: {zh: "需跟进", en: "Follow-up needed"}},
    {code: "complaint", name: {zh: "投诉", en: "Complaint"}},
    {code: "spam", name: {zh: "骚扰", en: "Spam"}},
  ],
  break_reasons: ["lunch", "short", "training"],
  entry_points: [],
};
const MENU = {
  node_id: "menu",
  text: {zh: "请问需要什么帮助？", en: "How can we help you?"},
  options: [
    {option_id: "order", label: {zh: "查询订单", en: "Where is my order?"}},
    {option_id: "support", label: {zh: "转人工客服", en: "Talk to a person"}},
    {option_id: "sales", label: {zh: "购买咨询", en: "Talk to sales"}},
  ],
};
const TOPIC = {
  node_id: "topic",
  text: {zh: "请用一句话描述您的问题。", en: "Please describe your question."},
  options: [],
};

const now = () => new Date().toISOString();
const ago = (ms) => new Date(Date.now() - ms).toISOString();
let serial = 0;
const contacts = new Map();
const desks = new Set();
const walls = new Set();
const done = new Set();
const agent = {intent: "OFFLINE", break_reason: "", not_responding: false, since: now(), version: 1, work: []};
const tickets = [
  {
    ticket_id: "tk_1",
    state: "OPEN",
    subject: "售后客服 · 龙井茶包装破损，要求补发",
    contact_id: "ct_a",
    customer_id: "cu_1",
    created: ago(3600e3),
    notes: [],
  },
  {
    ticket_id: "tk_2",
    state: "IN_PROGRESS",
    subject: "Support · Honey arrived with another label",
    contact_id: "ct_b",
    customer_id: "cu_1",
    created: ago(90000e3),
    notes: [{body: "已联系仓库核实", at: ago(3000e3), author: "李娜"}],
  },
  {
    ticket_id: "tk_3",
    state: "RESOLVED",
    subject: "售前咨询 · 团购大米开票",
    contact_id: "ct_c",
    customer_id: "cu_1",
    created: ago(190000e3),
    notes: [{body: "发票已开具"}],
  },
];
const customer = {
  customer_id: "cu_1",
  version: 3,
  name: "刘洋",
  identities: [
    {channel: "CHAT", address: "v_7f3a9c51e2"},
    {channel: "PHONE", address: "+86 138 0013 8000"},
  ],
  contacts: [
    {
      contact_id: "ct_a",
      channel: "CHAT",
      opened: ago(86400e3 * 2),
      closed: ago(86400e3 * 2 - 400e3),
      queue_id: "qu_support",
      agent_id: "ag_wang",
      wrap_up_code: "resolved",
      close_reason: "AGENT_ENDED",
    },
    {
      contact_id: "ct_b",
      channel: "VOICE",
      opened: ago(86400e3 * 9),
      closed: ago(86400e3 * 9 - 200e3),
      queue_id: "qu_sales",
      agent_id: "ag_li",
      wrap_up_code: "follow_up",
      close_reason: "CUSTOMER_LEFT",
    },
  ],
};

function agentView() {
  const offered = agent.work.some((item) => item.state === "OFFERED");
  const explanation = {
    policy_version: "4",
    trigger: "ContactArrived",
    wait_score_permille: "140",
    value_score_permille: "200",
    waiting_count: 2,
    candidates: [
      {agent_id: "ag_li", idle_ms: "95000"},
      {agent_id: "ag_wang", not_chosen_because: "IdleShorter", idle_ms: "41000"},
      {agent_id: "ag_chen", not_chosen_because: "OnBreak", idle_ms: "0"},
    ],
  };
  return {
    type: "agent",
    agent: {
      agent_id: "ag_li",
      connectivity: "CONNECTED",
      ...agent,
      now: now(),
      explanation: offered ? explanation : null,
    },
    owner_latency_ms: 1.2,
  };
}

function contactView(contact) {
  const view = {...contact};
  for (const field of ["chat", "prompt", "close_reason"]) delete view[field];
  return {type: "contact", contact: view};
}

function chatView(contact) {
  const {version, state, prompt, messages, close_reason} = contact;
  return {type: "contact", version, state, prompt, messages, close_reason};
}

const tell = (peers, frame) => peers.forEach((peer) => peer.send(JSON.stringify(frame)));

function pushAgent() {
  agent.version += 1;
  tell(desks, agentView());
  tell(walls, {type: "rows", at: now(), queues: [], agents: [liRow()]});
}

function pushContact(contact) {
  contact.version += 1;
  if (agent.work.some((item) => item.contact_id === contact.contact_id)) tell(desks, contactView(contact));
  if (contact.chat) contact.chat.send(JSON.stringify(chatView(contact)));
}

function liRow() {
  const count = (state) => agent.work.filter((item) => item.state === state).length;
  return {
    agent_id: "ag_li",
    intent: agent.intent,
    break_reason: agent.break_reason,
    connectivity: desks.size > 0 ? "CONNECTED" : "DISCONNECTED",
    not_responding: agent.not_responding,
    offered: count("OFFERED"),
    connecting: count("CONNECTING"),
    connected: count("CONNECTED"),
    wrap_up: count("WRAP_UP"),
    since: agent.since,
  };
}

function wall() {
  const row = (agent_id, intent, more, since) => ({
    agent_id,
    intent,
    break_reason: "",
    connectivity: "CONNECTED",
    not_responding: false,
    offered: 0,
    connecting: 0,
    connected: 0,
    wrap_up: 0,
    since: ago(since),
    ...more,
  });
  return {
    type: "wall",
    at: now(),
    queues: [
      {
        queue_id: "qu_support",
        waiting: 7,
        ringing: 1,
        connected: 3,
        oldest_entered: ago(83e3),
        entered_total: 1284,
        answered_total: 1201,
        abandoned_total: 61,
        short_abandoned_total: 11,
        answered_wait_s: 28100,
      },
      {
        queue_id: "qu_sales",
        waiting: 0,
        ringing: 0,
        connected: 0,
        oldest_entered: null,
        entered_total: 0,
        answered_total: 0,
        abandoned_total: 0,
        short_abandoned_total: 0,
        answered_wait_s: 0,
      },
    ],
    agents: [
      liRow(),
      row("ag_wang", "AVAILABLE", {connected: 2}, 312e3),
      row("ag_chen", "BREAK", {break_reason: "lunch"}, 1400e3),
      row("ag_zhou", "AVAILABLE", {wrap_up: 1}, 31e3),
      row("ag_wu", "AVAILABLE", {not_responding: true}, 75e3),
    ],
  };
}

function say(contact, author, text) {
  contact.messages.push({no: contact.messages.length + 1, author, text, at: now()});
}

function newContact(locale) {
  serial += 1;
  const contact = {
    contact_id: `ct_${serial}`,
    version: 1,
    state: "SELF_SERVICE",
    channel: "CHAT",
    customer_id: "cu_1",
    customer: {name: customer.name, contacts: 2},
    queue_id: "qu_support",
    agent_id: "",
    messages: [],
    gathered: {},
    opened: now(),
    locale,
    prompt: MENU,
    close_reason: null,
    chat: null,
  };
  say(contact, "SYSTEM", {
    zh: "您好，我是演示商城的自动助手。",
    en: "Hello, I am the automatic assistant of the demo shop.",
  });
  say(contact, "SYSTEM", MENU.text);
  contacts.set(contact.contact_id, contact);
  return contact;
}

function enqueue(contact) {
  contact.state = "QUEUED";
  contact.prompt = null;
  contact.entered = now();
  say(contact, "SYSTEM", {zh: "正在为您转接客服，请稍候。", en: "Connecting you to a person, please wait."});
  pushContact(contact);
  setTimeout(() => offer(contact), 400);
}

function offer(contact) {
  if (contact.state !== "QUEUED") return;
  if (agent.intent !== "AVAILABLE" || agent.not_responding) return setTimeout(() => offer(contact), 500);
  contact.state = "OFFERED";
  const item = {
    contact_id: contact.contact_id,
    queue_id: contact.queue_id,
    segment_no: 1,
    offer_no: ++serial,
    channel: contact.channel,
    state: "OFFERED",
    since: now(),
    expires: new Date(Date.now() + LEASE_MS).toISOString(),
    entered: contact.entered ?? now(),
  };
  agent.work.push(item);
  pushAgent();
  pushContact(contact);
  setTimeout(() => expire(contact, item), LEASE_MS);
}

function expire(contact, item) {
  if (item.state !== "OFFERED" || !agent.work.includes(item)) return;
  agent.work = agent.work.filter((other) => other !== item);
  agent.not_responding = true;
  contact.state = "QUEUED";
  pushAgent();
  pushContact(contact);
  offer(contact);
}

function over(contact, reason) {
  contact.state = "CLOSED";
  contact.prompt = null;
  contact.close_reason = reason;
  const item = agent.work.find((work) => work.contact_id === contact.contact_id);
  if (item?.state === "OFFERED") agent.work = agent.work.filter((work) => work !== item);
  else if (item)
    Object.assign(item, {state: "WRAP_UP", since: now(), expires: new Date(Date.now() + 60_000).toISOString()});
  pushAgent();
  pushContact(contact);
}

const deskCommands = {
  intent({intent, break_reason}) {
    Object.assign(agent, {intent, break_reason, since: now()});
    pushAgent();
  },
  accept({contact_id, offer_no}) {
    const item = agent.work.find((work) => work.contact_id === contact_id && work.offer_no === offer_no);
    if (item?.state !== "OFFERED") return "OfferNotLive";
    Object.assign(item, {state: "CONNECTING", since: now(), expires: null});
    pushAgent();
    setTimeout(() => {
      Object.assign(item, {state: "CONNECTED", since: now()});
      contacts.get(contact_id).state = "CONNECTED";
      pushAgent();
      pushContact(contacts.get(contact_id));
    }, 150);
  },
  decline({contact_id}) {
    agent.work = agent.work.filter((work) => work.contact_id !== contact_id);
    contacts.get(contact_id).state = "QUEUED";
    pushAgent();
  },
  message({contact_id, text}) {
    const contact = contacts.get(contact_id);
    if (contact.state !== "CONNECTED") return "ContactClosed";
    say(contact, "AGENT", text);
    pushContact(contact);
  },
  end: ({contact_id}) => over(contacts.get(contact_id), "AGENT_ENDED"),
  wrap_up({contact_id}) {
    agent.work = agent.work.filter((work) => work.contact_id !== contact_id);
    pushAgent();
  },
  rearm() {
    agent.not_responding = false;
    pushAgent();
  },
};

const chatCommands = {
  input(contact, {node_id, option_id, text}) {
    const option = MENU.options.find(
      (each) => each.option_id === option_id || Object.values(each.label).includes(text),
    );
    if (node_id === "topic") {
      contact.gathered.topic = text;
      return enqueue(contact);
    }
    if (option?.option_id === "order")
      say(contact, "SYSTEM", {zh: "订单通常在下单后 3 天内送达。", en: "Orders usually arrive within 3 days."});
    if (option && option.option_id !== "order") contact.prompt = TOPIC;
    say(contact, "SYSTEM", contact.prompt.text);
    pushContact(contact);
  },
  message(contact, {text}) {
    if (contact.state === "CLOSED") return "ContactClosed";
    say(contact, "CUSTOMER", text);
    pushContact(contact);
  },
  leave: (contact) => over(contact, "CUSTOMER_LEFT"),
};

function serve(socket, handle) {
  socket.on("message", (data) => {
    const frame = JSON.parse(data.toString());
    if (frame.type === "ping") return socket.send('{"type":"pong"}');
    if (frame.command_id === undefined) return handle(frame);
    const reason = done.has(frame.command_id) ? undefined : handle(frame);
    if (typeof reason === "string")
      return socket.send(
        JSON.stringify({type: "refused", command_id: frame.command_id, reason, message: reason, retry_after_s: null}),
      );
    done.add(frame.command_id);
    socket.send(JSON.stringify({type: "done", command_id: frame.command_id}));
  });
}

const deskServer = new WebSocketServer({noServer: true});
deskServer.on("connection", (socket) => {
  tell(desks, {type: "replaced"});
  desks.forEach((old) => old.close());
  desks.clear();
  desks.add(socket);
  socket.on("close", () => desks.delete(socket));
  serve(socket, (frame) => deskCommands[frame.type](frame));
  socket.send(JSON.stringify(agentView()));
  agent.work.forEach((item) => socket.send(JSON.stringify(contactView(contacts.get(item.contact_id)))));
});
const wallServer = new WebSocketServer({noServer: true});
wallServer.on("connection", (socket) => {
  walls.add(socket);
  socket.on("close", () => walls.delete(socket));
  serve(socket, () => undefined);
  socket.send(JSON.stringify(wall()));
});
const chatServer = new WebSocketServer({noServer: true});
chatServer.on("connection", (socket) => {
  let contact = null;
  serve(socket, (frame) => {
    if (frame.type !== "hello") return chatCommands[frame.type](contact, frame);
    contact = contacts.get(frame.token);
    if (contact === undefined) return socket.close(4401);
    contact.chat = socket;
    socket.send(JSON.stringify(chatView(contact)));
  });
});

/** What customers and failures do, on command. */
const plays = {
  offer() {
    const contact = newContact("zh");
    say(contact, "CUSTOMER", {zh: "转人工客服", en: "Talk to a person"});
    say(contact, "CUSTOMER", "我上周买的龙井茶收到时包装破了，茶叶撒了一半，可以补发吗？");
    contact.gathered.topic = "龙井茶包装破损，可以补发吗";
    enqueue(contact);
  },
  write: ({text}) => chatCommands.message([...contacts.values()].at(-1), {text: text ?? "好的，谢谢！"}),
  leave: () => over([...contacts.values()].at(-1), "CUSTOMER_LEFT"),
  drop: () => [...desks, ...walls, ...chatServer.clients].forEach((socket) => socket.terminate()),
  reset() {
    contacts.clear();
    Object.assign(agent, {intent: "OFFLINE", break_reason: "", not_responding: false, since: now(), work: []});
    pushAgent();
  },
};

const sessions = new Map();

function meOf(request) {
  const id = /tl_session=(\w+)/.exec(request.headers.cookie ?? "")?.[1];
  const user = USERS[sessions.get(id)];
  return user && {...user, ...TENANT};
}

const api = {
  "GET /api/me": ({me}) => [200, me],
  "POST /api/logout": ({request}) => [
    200,
    {},
    void sessions.delete(/tl_session=(\w+)/.exec(request.headers.cookie ?? "")?.[1]),
  ],
  "GET /api/directory": () => [200, DIRECTORY],
  "GET /api/tickets": ({url}) => [
    200,
    {items: tickets.filter(({state}) => [null, state].includes(url.searchParams.get("state"))), next: null},
  ],
  "POST /api/tickets"({body}) {
    const ticket = {
      ticket_id: `tk_${++serial}`,
      state: "OPEN",
      subject: body.subject,
      contact_id: body.contact_id,
      customer_id: "cu_1",
      created: now(),
      notes: [],
    };
    tickets.unshift(ticket);
    return [200, ticket];
  },
  "POST /api/tickets/:/state"({id, body}) {
    tickets.find((ticket) => ticket.ticket_id === id).state = body.state;
    return [200, {}];
  },
  "POST /api/tickets/:/notes"({id, body}) {
    tickets.find((ticket) => ticket.ticket_id === id).notes.push({body: body.body, at: now()});
    return [200, {}];
  },
  "GET /api/customers/:": ({id}) =>
    id === customer.customer_id ? [200, customer] : [404, {status: 404, title: "unknown customer"}],
  "PUT /api/customers/:"({body, request}) {
    if (request.headers["if-match"] !== String(customer.version)) return [412, {status: 412, title: "outdated"}];
    customer.name = body.name;
    customer.version += 1;
    for (const contact of contacts.values()) {
      contact.customer.name = body.name;
      pushContact(contact);
    }
    return [200, customer];
  },
  "POST /api/customers/:/erase": () => [200, Object.assign(customer, {name: null, identities: []})],
};

async function bodyOf(request) {
  let text = "";
  for await (const part of request) text += part;
  return text === "" ? {} : JSON.parse(text);
}

function answer(response, status, content, headers = {}) {
  response.writeHead(status, {"Content-Type": "application/json", ...headers});
  response.end(JSON.stringify(content));
}

function logIn(body, response) {
  if (!(body.login in USERS) || body.password !== "trunkline-demo")
    return answer(response, 401, {status: 401, title: "wrong"});
  const id = Math.random().toString(36).slice(2);
  sessions.set(id, body.login);
  answer(
    response,
    200,
    {...USERS[body.login], ...TENANT},
    {"Set-Cookie": `tl_session=${id}; HttpOnly; SameSite=Strict; Path=/`},
  );
}

async function serveApi(request, response, url) {
  const body = await bodyOf(request);
  if (url.pathname === "/api/login") return logIn(body, response);
  const me = meOf(request);
  if (!me) return answer(response, 401, {status: 401, title: "log in"});
  const [, , , id] = url.pathname.split("/");
  const pattern = url.pathname.replace(/^(\/api\/\w+\/)[^/]+/, "$1:");
  const handler = api[`${request.method} ${id ? pattern : url.pathname}`];
  if (!handler) return answer(response, 404, {status: 404, title: "not found"});
  const [status, content] = handler({body, url, id, me, request});
  answer(response, status, content);
}

async function serveFile(response, path) {
  const wanted = extname(path) ? path : path.startsWith("/shop") ? "/shop/index.html" : "/index.html";
  try {
    const content = await readFile(join(DIST, normalize(wanted)));
    response.writeHead(200, {
      "Content-Type": KINDS[extname(wanted)] ?? "application/octet-stream",
      "Content-Security-Policy": CSP,
    });
    response.end(content);
  } catch {
    answer(response, 404, {status: 404});
  }
}

const console_ = createServer(async (request, response) => {
  const url = new URL(request.url, "http://mock");
  if (url.pathname.startsWith("/api/")) return serveApi(request, response, url);
  if (url.pathname === "/config.json")
    return answer(response, 200, {channels_url: `http://${EDGE}`, demo_entry_point: "ep_demo_chat"});
  if (url.pathname.startsWith("/mock/")) {
    plays[url.pathname.slice(6)](await bodyOf(request));
    return answer(response, 200, {});
  }
  return serveFile(response, url.pathname);
});
console_.on("upgrade", (request, socket, head) => {
  const me = meOf(request);
  const server = {"/desk/ws": deskServer, "/wall/ws": wallServer}[request.url];
  if (!me || !server) return socket.end("HTTP/1.1 401 Unauthorized\r\n\r\n");
  server.handleUpgrade(request, socket, head, (peer) => server.emit("connection", peer));
});

const CORS = {
  "Access-Control-Allow-Origin": "*",
  "Access-Control-Allow-Headers": "Content-Type",
  "Access-Control-Expose-Headers": "Date",
};
const channels = createServer(async (request, response) => {
  if (request.method === "OPTIONS") return answer(response, 204, "", CORS);
  const body = await bodyOf(request);
  const contact = contacts.get(body.token) ?? newContact(body.locale);
  answer(
    response,
    200,
    {token: contact.contact_id, contact_id: contact.contact_id, visitor: body.visitor ?? "v_7f3a9c51e2"},
    CORS,
  );
});
channels.on("upgrade", (request, socket, head) =>
  chatServer.handleUpgrade(request, socket, head, (peer) => chatServer.emit("connection", peer)),
);

console_.listen(PORT, "127.0.0.1");
channels.listen(PORT + 1, "127.0.0.1");
console.log(`mock console http://127.0.0.1:${PORT} (li or zhao, trunkline-demo), mock chat edge on ${PORT + 1}`);
