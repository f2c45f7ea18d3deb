// Jobs of the worker: how one stands, and how it goes on.

import * as api from "./api.js";
import { badge } from "./ui.js";

const AGAIN_MS = 2000;

const STATES = {
  queued: ["Waiting", "plain"],
  running: ["Running", "info"],
  done: ["Done", "good"],
  failed: ["Failed", "bad"],
  cancelled: ["Cancelled", "warn"],
};

export const KINDS = {
  improve: "Improvement",
  ingest: "Ingestion",
  finetune: "Training",
  reindex: "Reindexing",
  judge: "Judgment",
};

/** Whether nothing happens to it any more. */
export function isOver(job) {
  return ["done", "failed", "cancelled"].includes(job.state);
}

export function jobBadge(job) {
  if (job.state === "done" && job.reason) return badge(job.kind === "ingest" ? "Refused" : "Gate: no", "warn");
  const [text, kind] = STATES[job.state] ?? [job.state, "plain"];
  return badge(text, kind);
}

/**
 * Listen to a job until it is over, and give it as it then is.
 *
 * `on` has any of `progress({step, done, total})`, `log({line})` and `state({state, reason})`. A
 * connection that breaks is made anew; events are told once.
 */
export async function follow(id, on, signal) {
  const told = new Set();
  for (;;) {
    try {
      for await (const { event, data, id: key } of api.events(`/v1/jobs/${id}/events`, { signal })) {
        if (key && told.has(key)) continue;
        told.add(key);
        on[event]?.(data);
      }
      const job = await api.get(`/v1/jobs/${id}`, { signal });
      if (isOver(job)) return job;
    } catch (error) {
      if (error.name === "AbortError" || !error.retryable) throw error;
    }
    await pause(AGAIN_MS, signal);
  }
}

/** Wait; rejects as fetch does where `signal` ends it. */
function pause(ms, signal) {
  return new Promise((resolve, reject) => {
    const stop = () => reject(new DOMException("stopped", "AbortError"));
    if (signal?.aborted) stop();
    signal?.addEventListener("abort", stop, { once: true });
    setTimeout(resolve, ms);
  });
}
