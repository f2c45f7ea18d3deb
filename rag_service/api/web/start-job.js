// Asks what a job is to do, and starts it.

import * as api from "./api.js";
import { h } from "./dom.js";
import { explained } from "./problem.js";
import { dialog, field, select, toast } from "./ui.js";

const KINDS = [
  ["improve", "Improve"],
  ["finetune", "Train only"],
  ["reindex", "Index only"],
];
const ABOUT = {
  improve:
    "Makes questions from the filings, trains on them, indexes anew beside the live release, measures both, and goes live if the gate says yes.",
  finetune: "A new model, and no release of it yet.",
  reindex: "A candidate release of a model that is there; the gate has to be asked before it can go live.",
};

/** A dialog; gives the job that was started, or null. `models` are `[fingerprint, name]` pairs. */
export async function startJob(models, { kind = "improve", model = "" } = {}) {
  const chosen = select(KINDS, kind, { onchange: () => show() });
  const training = trainingFields();
  const indexing = indexingFields(models, model);
  const fields = h("div", { class: "stack" });
  const about = h("p", { class: "quiet-text" });
  const show = () => {
    about.textContent = ABOUT[chosen.value];
    fields.replaceChildren(...(chosen.value === "reindex" ? indexing : training).nodes);
  };
  show();
  const asked = await dialog(
    "Start a job",
    (done) => [
      h(
        "div",
        { class: "dialog-body stack" },
        field("What to do", chosen),
        about,
        fields,
        h("small", {}, "It runs beside the service, one job at a time; searches go on meanwhile."),
      ),
      h(
        "div",
        { class: "actions end" },
        h("button", { type: "button", onclick: () => done(null) }, "Cancel"),
        h("button", { type: "submit", class: "main" }, "Start"),
      ),
    ],
    () => ({ kind: chosen.value, arguments: (chosen.value === "reindex" ? indexing : training).read() }),
  );
  if (!asked) return null;
  try {
    return await api.post("/v1/jobs", asked);
  } catch (error) {
    toast(explained(error).join(": "), "bad");
    return null;
  }
}

function trainingFields() {
  const questions = whole(2400, 50);
  const byLlm = whole("", 0, { placeholder: "200, if there is an LLM" });
  const minutes = h("input", { type: "number", min: 0, step: "any", value: 20, required: true });
  const epochs = whole(1, 1);
  const negatives = whole(1, 0, { max: 16 });
  const patience = whole(3, 0);
  const dims = h("input", {
    type: "text",
    pattern: "\\s*(\\d+\\s*(,\\s*\\d+\\s*)*)?",
    placeholder: "such as 256, 128",
  });
  const adapter = h("input", { type: "checkbox", id: "adapter" });
  const nodes = [
    h(
      "div",
      { class: "field-pair" },
      field("Template questions", questions, "At most"),
      field("Questions by the LLM", byLlm, "Empty: at most 200, if there is an LLM; the embedded one takes about 5 s for each"),
    ),
    h(
      "details",
      {},
      h("summary", {}, "More options"),
      h(
        "div",
        { class: "field-pair" },
        field("Minutes for the LLM", minutes, "At most"),
        field("Epochs", epochs, "Passes over the pairs"),
        field("Hard negatives", negatives, "For each question"),
        field("Patience", patience, "Checkpoints without gain; 0: no limit"),
        field("Shorter vectors", dims, "Trained as well"),
        h(
          "label",
          { class: "check", for: "adapter" },
          adapter,
          "Train a map for queries alone, which needs no new vectors",
        ),
      ),
    ),
  ];
  const read = () => ({
    questions: questions.valueAsNumber,
    llm_questions: byLlm.value === "" ? null : byLlm.valueAsNumber,
    llm_minutes: minutes.valueAsNumber,
    epochs: epochs.valueAsNumber,
    negatives: negatives.valueAsNumber,
    patience: patience.valueAsNumber,
    dims: dims.value
      .split(",")
      .map((part) => Number.parseInt(part, 10))
      .filter(Boolean),
    adapter: adapter.checked,
  });
  return { nodes, read };
}

function indexingFields(models, chosen) {
  const known = chosen && !models.some(([model]) => model === chosen) ? [[chosen, ""], ...models] : models;
  const model = select(
    known.map(([fingerprint, name]) => [fingerprint, name ? `${fingerprint} · ${name}` : fingerprint]),
    chosen,
  );
  const dims = whole("", 1, { placeholder: "all" });
  const algorithm = select([
    ["", "as configured"],
    ["hnsw", "HNSW, approximate"],
    ["flat", "flat, exact"],
  ]);
  const datatype = select([
    ["", "as configured"],
    ["float32", "float32"],
    ["float16", "float16, half the memory"],
  ]);
  const fresh = h("input", { type: "checkbox", id: "fresh" });
  const nodes = [
    field("Model", model),
    h(
      "div",
      { class: "field-pair" },
      field("Dimensions", dims, "First ones to keep"),
      field("Search", algorithm),
      field("Numbers", datatype),
    ),
    h("label", { class: "check", for: "fresh" }, fresh, "Encode every passage anew; copy no vector"),
  ];
  const read = () => ({
    model: model.value,
    dims: dims.value === "" ? 0 : dims.valueAsNumber,
    algorithm: algorithm.value || null,
    datatype: datatype.value || null,
    fresh: fresh.checked,
  });
  return { nodes, read };
}

function whole(value, least, more = {}) {
  return h("input", {
    type: "number",
    min: least,
    step: 1,
    value,
    required: value !== "",
    inputmode: "numeric",
    ...more,
  });
}
