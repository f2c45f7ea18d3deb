// The service over HTTP: keys, problem documents, server-sent events.

const KEY = "ragloop.key";

/** What went wrong, in the service's words; `hits` are the passages that were found before it. */
export class Problem extends Error {
  constructor(status, document = {}, retryAfter = 0) {
    super(document.detail || document.message || `the service answered with status ${status}`);
    this.status = status;
    this.code = document.code ?? "";
    this.retryable = Boolean(document.retryable);
    this.retryAfter = retryAfter;
    this.hits = document.hits ?? [];
    this.document = document;
  }
}

let askForKey = async () => null;

/** `ask(rejected)` gives a key, or null; `rejected` tells whether one was sent and refused. */
export function onUnauthenticated(ask) {
  askForKey = ask;
}

export function hasKey() {
  return Boolean(sessionStorage.getItem(KEY));
}

export function setKey(key) {
  if (key) sessionStorage.setItem(KEY, key);
  else sessionStorage.removeItem(KEY);
}

/** With `quiet` the reader is not asked for a key. */
export function get(path, { signal, quiet = false } = {}) {
  return json("GET", path, { signal, quiet });
}

export function post(path, body = {}, { signal } = {}) {
  return json("POST", path, { ...asJson(body), signal });
}

export function del(path, { signal } = {}) {
  return json("DELETE", path, { signal });
}

/** A picture or another file. */
export async function blob(path, { signal } = {}) {
  return (await request("GET", path, { signal })).blob();
}

/** Server-sent events of a POST, each `{event, data, id}`. */
export async function* stream(path, body, { signal } = {}) {
  yield* parsed(await request("POST", path, { ...asJson(body), signal }));
}

/** Server-sent events of a GET, such as a job's. */
export async function* events(path, { signal } = {}) {
  yield* parsed(await request("GET", path, { signal }));
}

/**
 * Send one file as `multipart/form-data`; `progress(sent, total)` in bytes.
 *
 * With XMLHttpRequest, since fetch does not tell how much was sent.
 */
export async function upload(path, file, { progress, signal, field = "file" } = {}) {
  const form = new FormData();
  form.append(field, file, file.name);
  return withKey((headers) => sent(path, form, headers, progress, signal));
}

function sent(path, form, headers, progress, signal) {
  return new Promise((resolve, reject) => {
    const sending = new XMLHttpRequest();
    sending.open("POST", path);
    for (const [name, value] of Object.entries(headers)) sending.setRequestHeader(name, value);
    sending.upload.onprogress = (event) => progress?.(event.loaded, event.total);
    sending.onload = () => {
      const document = parse(sending.responseText);
      if (sending.status < 400) resolve(document);
      else reject(new Problem(sending.status, document, seconds(sending.getResponseHeader("Retry-After"))));
    };
    sending.onerror = () => reject(unreachable());
    sending.onabort = () => reject(new DOMException("stopped", "AbortError"));
    signal?.addEventListener("abort", () => sending.abort());
    sending.send(form);
  });
}

async function json(method, path, options) {
  const response = await request(method, path, options);
  const text = await response.text();
  return text ? JSON.parse(text) : null;
}

function asJson(body) {
  return { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } };
}

function request(method, path, { body, headers = {}, signal, quiet = false } = {}) {
  return withKey(async (key) => {
    let response;
    try {
      response = await fetch(path, { method, body, headers: { ...headers, ...key }, signal });
    } catch (error) {
      throw error.name === "AbortError" ? error : unreachable();
    }
    if (response.ok) return response;
    const document = parse(await response.text());
    throw new Problem(response.status, document, seconds(response.headers.get("Retry-After")));
  }, quiet);
}

/** What `send(headers)` gives; where it needs a key, the reader is asked for one, once. */
async function withKey(send, quiet = false) {
  const used = sessionStorage.getItem(KEY);
  try {
    return await send(authorization(used));
  } catch (error) {
    if (!(error instanceof Problem) || error.status !== 401 || quiet) throw error;
    const newer = sessionStorage.getItem(KEY);
    const key = newer && newer !== used ? newer : await askForKey(Boolean(used));
    if (!key) throw error;
    return send(authorization(key));
  }
}

function authorization(key) {
  return key ? { Authorization: `Bearer ${key}` } : {};
}

function unreachable() {
  return new Problem(0, { code: "unreachable", detail: "the service cannot be reached", retryable: true });
}

function seconds(header) {
  return Number.parseInt(header ?? "", 10) || 0;
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return { detail: text.slice(0, 300) };
  }
}

/** Events as the HTML standard reads them, with data as JSON. */
async function* parsed(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const parts = (rest + value).split(/\r?\n\r?\n/);
      rest = parts.pop();
      for (const part of parts) {
        const found = event(part);
        if (found) yield found;
      }
    }
  } catch (error) {
    throw error.name === "AbortError" ? error : unreachable();
  } finally {
    reader.cancel().catch(() => undefined);
  }
}

function event(part) {
  const fields = { event: "message", id: "" };
  const data = [];
  for (const line of part.split(/\r?\n/)) {
    const at = line.indexOf(":");
    if (at < 1) continue;
    const name = line.slice(0, at);
    const value = line.slice(at + 1).replace(/^ /, "");
    if (name === "data") data.push(value);
    else if (name in fields) fields[name] = value;
  }
  return data.length ? { ...fields, data: JSON.parse(data.join("\n")) } : null;
}
