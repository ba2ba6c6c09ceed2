"use strict";
// Text from the server is only ever set as textContent: no part of a document or an answer is parsed as HTML.

const byId = (id) => document.getElementById(id);
const log = byId("log"), form = byId("ask"), question = byId("question"), send = byId("send"), stop = byId("stop");

class SignInError extends Error {}

document.documentElement.lang = language;
translate(document);
for (const template of document.querySelectorAll("template")) translate(template.content);
const dialog = byId("passage");
const tokenDialog = byId("token");
// Kept for this tab only. Behind an edge, every request except for the page itself needs it.
let token = sessionStorage.getItem("token") ?? "";
let asking = null;
let running = null;

function newToken(reason) {
  asking ??= new Promise((resolve) => {
    byId("token-reason").textContent = reason;
    tokenDialog.addEventListener("close", () => {
      token = tokenDialog.returnValue === "given" ? byId("token-text").value.trim() : "";
      sessionStorage.setItem("token", token);
      byId("token-text").value = "";
      asking = null;
      resolve(token);
    }, { once: true });
    tokenDialog.returnValue = "";
    tokenDialog.showModal();
  });
  return asking;
}

async function json(url, options) {
  const response = await fetch(url, options);
  const body = await response.json();
  if (!response.ok) throw new Error(body.error_description ?? `${url} answered ${response.status}`);
  return body;
}

// A sign-in link carries a one-time code behind the #, which browsers send to no server. The edge names the issuer
// (RFC 9728), and the issuer exchanges the code for a token.
async function signIn() {
  const code = new URLSearchParams(location.hash.slice(1)).get("code");
  if (!code) return;
  history.replaceState(null, "", location.pathname);
  try {
    const { authorization_servers: [issuer] } = await json(".well-known/oauth-protected-resource");
    const { token_endpoint: endpoint } = await json(`${issuer}/.well-known/openid-configuration`);
    const body = new URLSearchParams({ grant_type: "authorization_code", code });
    token = (await json(endpoint, { method: "POST", body })).access_token;
    sessionStorage.setItem("token", token);
  } catch (error) {
    if (!token) await newToken(say.linkFailed(error.message));
  }
}

async function api(path, options = {}) {
  for (;;) {
    const used = token;
    const headers = { ...options.headers, ...(used ? { Authorization: `Bearer ${used}` } : {}) };
    const response = await fetch(path, { ...options, headers });
    if (response.status !== 401) return response;
    const body = await response.json().catch(() => null);
    const reason = body?.error?.message ?? say.tokenRequired;
    // Another request may have got a token meanwhile.
    if (used === token && !(await newToken(reason))) throw new SignInError(say.notSignedIn(reason));
  }
}

function fromTemplate(id) {
  return byId(id).content.firstElementChild.cloneNode(true);
}

function renderAnswer(turn) {
  const { answer, text, sources } = turn;
  const parts = [];
  let at = 0;
  for (const match of text.matchAll(/\[(\d{1,2})\]/g)) {
    const source = sources[Number(match[1]) - 1];
    if (!source) continue;
    parts.push(text.slice(at, match.index));
    const button = document.createElement("button");
    button.type = "button";
    button.className = "cite";
    button.textContent = match[1];
    button.setAttribute("aria-label", say.source(match[1], source.title));
    button.addEventListener("click", () => openPassage(source, turn.quotes));
    parts.push(button);
    at = match.index + match[0].length;
  }
  parts.push(text.slice(at));
  answer.replaceChildren(...parts);
}

function renderSources(turn) {
  const { sources, citations, article } = turn;
  const box = article.querySelector(".sources");
  box.hidden = sources.length === 0;
  const cited = citations.length ? say.cited(citations.length) : "";
  box.querySelector("summary").textContent = say.found(sources.length) + cited;
  box.querySelector("ol").replaceChildren(...sources.map((source) => {
    const item = fromTemplate("source");
    const set = (name, value) => { item.querySelector(`.${name}`).textContent = value; };
    item.classList.toggle("cited", citations.includes(source.number));
    set("number", source.number);
    set("title", source.title);
    set("heading", source.heading);
    set("score", source.score.toFixed(2));
    // The title is shown above it.
    const header = source.table_header ? `${source.table_header}\n` : "";
    set("excerpt", header + source.text.replace(/^#{1,6} .*\n+(?=\S)/, ""));
    const pages = source.first_page ? `${say.pages(source.first_page, source.last_page)}, ` : "";
    set("uri", `${source.uri}  ${pages}${source.start_offset}–${source.end_offset}`);
    item.querySelector(".open").addEventListener("click", () => openPassage(source, turn.quotes));
    return item;
  }));
}

function note(turn, text, isError) {
  const place = turn.article.querySelector(".note");
  place.textContent = text;
  place.classList.toggle("error", Boolean(isError));
  place.hidden = !text;
}

function hint(turn, text) {
  const place = turn.article.querySelector(".hint");
  place.textContent = text;
  place.hidden = !text;
}

const handlers = {
  sources(turn, data) {
    turn.sources = data.sources;
    hint(turn, "");
    renderSources(turn);
  },
  token(turn, data) {
    turn.text += data.text;
    renderAnswer(turn);
  },
  done(turn, data) {
    turn.text = data.answer;
    turn.citations = data.citations;
    turn.quotes = data.quotes;
    turn.finished = true;
    renderAnswer(turn);
    renderSources(turn);
    const box = turn.article.querySelector(".sources");
    box.open = data.citations.length > 0;
    if (data.state === "not_in_documents") {
      note(turn, turn.sources.length ? say.noAnswer : say.noPassage);
    } else if (data.state === "quoted") {
      note(turn, say.quoted);
    } else if (!data.citations.length) {
      note(turn, say.uncited);
    }
  },
  error(turn, data) {
    turn.finished = true;
    note(turn, errorText(data, say.unreachable), true);
    turn.article.querySelector(".sources").open = true;
  },
};

function dispatch(turn, block) {
  let name = "message";
  const data = [];
  for (const line of block.split("\n")) {
    if (line.startsWith("event: ")) name = line.slice(7);
    else if (line.startsWith("data: ")) data.push(line.slice(6));
  }
  if (handlers[name] && data.length) handlers[name](turn, JSON.parse(data.join("\n")));
}

async function stream(turn, asked, signal) {
  const response = await api("api/ask", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ question: asked, stream: true }),
    signal,
  });
  if (!response.ok) {
    const body = await response.json().catch(() => null);
    throw new Error(errorText(body?.error, say.answered(response.status)));
  }
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) break;
    buffer += value;
    const blocks = buffer.split("\n\n");
    buffer = blocks.pop();
    for (const block of blocks) dispatch(turn, block);
  }
  if (!turn.finished) throw new Error(say.cutOff);
}

async function ask(asked) {
  byId("empty")?.remove();
  const article = fromTemplate("turn");
  const turn = { article, answer: article.querySelector(".answer"), text: "", sources: [], citations: [], quotes: [], finished: false };
  article.querySelector(".asked").textContent = asked;
  hint(turn, say.searching);
  log.append(article);
  article.scrollIntoView({ block: "start", behavior: "smooth" });
  running = new AbortController();
  send.hidden = true;
  stop.hidden = false;
  try {
    await stream(turn, asked, running.signal);
  } catch (error) {
    note(turn, error.name === "AbortError" ? say.stopped : error.message || say.unreachable, error.name !== "AbortError");
  } finally {
    hint(turn, "");
    turn.answer.setAttribute("aria-busy", "false");
    running = null;
    send.hidden = false;
    stop.hidden = true;
    question.focus({ preventScroll: true });
  }
}

function highlighted(text, quotes) {
  const mark = document.createElement("mark");
  let rest = text;
  for (const quote of quotes) {
    const at = rest.indexOf(quote);
    if (at < 0) continue;
    const strong = document.createElement("strong");
    strong.textContent = quote;
    mark.append(rest.slice(0, at), strong);
    rest = rest.slice(at + quote.length);
  }
  mark.append(rest);
  return mark;
}

async function openPassage(source, quotes) {
  byId("passage-title").textContent = source.title;
  byId("passage-heading").textContent = source.heading;
  byId("passage-heading").hidden = !source.heading;
  byId("passage-columns").textContent = source.table_header;
  byId("passage-columns").hidden = !source.table_header;
  byId("passage-place").textContent = [
    source.uri,
    ...(source.first_page ? [say.pages(source.first_page, source.last_page)] : []),
    say.characters(source.start_offset, source.end_offset),
    say.passage(source.chunk_number + 1, source.chunk_count),
  ].join(" · ");
  const own = quotes.filter((quote) => quote.number === source.number).map((quote) => quote.text);
  const place = byId("passage-text");
  place.replaceChildren(highlighted(source.text, own));
  dialog.showModal();
  place.scrollTop = 0;
  try {
    const response = await api(`api/passage?chunk_id=${encodeURIComponent(source.chunk_id)}`);
    if (!response.ok) return;
    const passage = await response.json();
    const mark = highlighted(passage.text, own);
    place.replaceChildren(passage.before, mark, passage.after);
    (mark.querySelector("strong") ?? mark).scrollIntoView({ block: "nearest" });
  } catch {
    // The passage itself is shown; only the text around it is missing.
  }
}

async function showStatus() {
  const place = byId("status");
  try {
    const response = await api("health");
    const health = await response.json();
    const failing = Object.values(health.checks).filter((check) => !check.ok).map((check) => check.detail);
    place.classList.toggle("bad", failing.length > 0);
    place.textContent = failing.length ? failing.join("; ") : say.indexed(health.checks.search.detail.match(/[\d,]+(?= passages)/)?.[0] ?? "?");
  } catch (error) {
    place.classList.add("bad");
    place.textContent = error instanceof SignInError ? error.message : say.unreachable;
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const asked = question.value.trim();
  if (!asked || running) return;
  question.value = "";
  ask(asked);
});
question.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    form.requestSubmit();
  }
});
stop.addEventListener("click", () => running?.abort());
byId("close").addEventListener("click", () => dialog.close());
dialog.addEventListener("click", (event) => {
  if (event.target === dialog) dialog.close();
});
byId("token-form").addEventListener("submit", (event) => {
  event.preventDefault();
  tokenDialog.close("given");
});
signIn().then(showStatus);
