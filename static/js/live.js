// Keeps a page true: events come over the WebSocket, or by polling while there is none; what changed is swapped in.

const body = document.body;
const view = body.dataset.view;
const told = document.getElementById("live");
const SILENCE = 40_000; // ms; the server gives a sign of life every 15 s
const POLL = 20; // s
const LONGEST_PAUSE = 15_000; // ms

let last = Number(body.dataset.event ?? 0);
let socket = null;
let pause = 500;
let heard = 0;
let polling = false;
let leaving = false;

const WORDS = { live: "live", polling: "live by polling", lost: "EGX does not answer" };

function say(state) {
  if (!told || told.dataset.state === state) return;
  told.dataset.state = state;
  told.textContent = WORDS[state];
}

// Changes only what differs: what has the focus keeps it, what was opened stays open, and little is laid out anew.
function morph(old, fresh) {
  if (old.isEqualNode(fresh)) return;
  const wired = fresh.attributes && [...fresh.attributes].some(({ name }) => name.startsWith("hx-"));
  if (wired || old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName || old.id !== fresh.id) {
    old.replaceWith(fresh);
    arrived(fresh);
    return;
  }
  if (old.nodeType !== Node.ELEMENT_NODE) {
    old.data = fresh.data;
    return;
  }
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && !(name === "open" && old.nodeName === "DETAILS")) old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  const [before, after] = [[...old.childNodes], [...fresh.childNodes]];
  after.forEach((child, index) => {
    if (before[index]) return morph(before[index], child);
    old.append(child);
    arrived(child);
  });
  before.slice(after.length).forEach((child) => child.remove());
}

function arrived(node) {
  if (node.nodeType === Node.ELEMENT_NODE) window.htmx?.process(node);
}

function swap(fragments) {
  for (const [id, html] of Object.entries(fragments ?? {})) {
    const old = document.getElementById(id);
    if (!old) continue;
    const made = document.createElement("template");
    made.innerHTML = html;
    if (made.content.firstElementChild) morph(old, made.content.firstElementChild);
  }
}

// What has no events, such as what Docker runs, is looked at again while somebody looks.
async function lookAgain(id) {
  if (document.hidden) return;
  const answer = await fetch(location.href, { headers: { accept: "text/html" }, cache: "no-store" });
  const fresh = answer.ok && new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(id);
  const old = document.getElementById(id);
  if (fresh && old) morph(old, document.adoptNode(fresh));
}

for (const { id, dataset } of document.querySelectorAll("[data-again]")) {
  setInterval(() => lookAgain(id).catch(() => {}), Number(dataset.again) * 1000);
}

function take(message) {
  if (message.last < last && message.type !== "snapshot" && !message.reset) return;
  last = message.last;
  swap(message.fragments);
  body.dataset.event = String(last);
  for (const event of message.events ?? message.items ?? []) {
    body.dispatchEvent(new CustomEvent("egx:event", { detail: event }));
  }
}

function connect() {
  const url = new URL("/ws/events", location.href);
  url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  url.search = new URLSearchParams({ after: String(last), view });
  socket = new WebSocket(url);
  heard = Date.now();
  socket.addEventListener("open", () => {
    heard = Date.now();
    say("live");
  });
  socket.addEventListener("message", ({ data }) => {
    heard = Date.now();
    pause = 500;
    say("live");
    take(JSON.parse(data));
  });
  socket.addEventListener("close", ({ code }) => {
    socket = null;
    if (leaving) return;
    if (code === 4401) location.reload();
    poll();
    setTimeout(connect, pause * (0.5 + Math.random()));
    pause = Math.min(pause * 2, LONGEST_PAUSE);
  });
}

async function poll() {
  if (polling) return;
  polling = true;
  say("lost");
  while (!leaving && !(socket?.readyState === WebSocket.OPEN)) {
    try {
      const query = new URLSearchParams({ since: String(last), wait: told.dataset.state === "lost" ? "0" : String(POLL), view });
      const answer = await fetch(`/api/v1/events?${query}`, { headers: { accept: "application/json" }, cache: "no-store" });
      if (answer.status === 401 || answer.status === 403) { location.reload(); break; }
      if (!answer.ok) throw new Error(String(answer.status));
      take(await answer.json());
      say("polling");
    } catch {
      say("lost");
      await new Promise((done) => setTimeout(done, 1000));
    }
  }
  polling = false;
}

if (view) {
  connect();
  addEventListener("pagehide", () => { leaving = true; socket?.close(); });
  addEventListener("pageshow", ({ persisted }) => { if (persisted) location.reload(); });
  addEventListener("online", () => socket?.close());
  setInterval(() => { if (socket && Date.now() - heard > SILENCE) socket.close(); }, 5_000);
}
