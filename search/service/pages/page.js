// The page at /: the studies of the queue, live, with what can be done with each. All texts are set as texts, never as HTML.
"use strict";

const ACTIONS = { pause: "Pause", resume: "Resume", cancel: "Cancel" };
const VERDICTS = { ok: "ok", diverged: "diverged", stopped: "stopped early", error: "failed" };
const POLL_MS = 3000;
const AGAIN_MS = 2000;

const told = document.getElementById("told");
const list = document.getElementById("studies");
const cards = new Map();
let me = { scope: "read", name: "", mlflow: false };

async function ask(path, method = "GET") {
  const answer = await fetch(path, { method, headers: { Accept: "application/json" } });
  const document_ = await answer.json().catch(() => ({ detail: `the service answered ${answer.status}` }));
  if (!answer.ok) throw new Error(document_.detail);
  return document_;
}

function say(text, trouble = false) {
  told.textContent = text;
  told.classList.toggle("trouble", trouble);
}

function number(value) {
  return Number.isInteger(value) ? String(value) : Number(value.toPrecision(4)).toString();
}

function link(text, href) {
  const made = document.createElement("a");
  made.textContent = text;
  made.href = href;
  return made;
}

function button(study, action) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = ACTIONS[action];
  made.setAttribute("aria-label", `${ACTIONS[action]} ${study.name}`);
  made.addEventListener("click", async () => {
    if (action === "cancel" && !window.confirm(`Cancel ${study.name}? Its finished trials are kept.`)) return;
    made.disabled = true;
    try {
      show(await ask(`/v1/studies/${encodeURIComponent(study.name)}/${action}`, "POST"));
    } catch (error) {
      made.disabled = false;
      say(error.message, true);
    }
  });
  return made;
}

function may(study) {
  return me.scope === "admin" || (me.scope === "submit" && study.owner === me.name);
}

function actions(study, finished) {
  const path = encodeURIComponent(study.name);
  const own = study.kind === "study"; // of a study that clients train, there is neither a report nor a log
  const found = own && finished ? [link("Report", `/v1/studies/${path}/report`)] : [];
  if (me.mlflow && finished) found.push(link("MLflow", `/bpsearch/mlflow/${path}`));
  if (own) found.push(link("Log", `/v1/studies/${path}/log`));
  if (may(study)) found.push(...study.allowed.filter((each) => each in ACTIONS).map((each) => button(study, each)));
  return found;
}

function counts(trials) {
  return Object.entries(VERDICTS).filter(([name]) => name !== "error" || trials[name]).map(([name, word]) => {
    const made = document.createElement("span");
    const count = document.createElement("b");
    made.className = trials[name] ? `count ${name}` : "count";
    count.textContent = trials[name];
    made.append(count, word);
    return made;
  });
}

function card(name) {
  if (!cards.has(name)) {
    const made = document.getElementById("study").content.firstElementChild.cloneNode(true);
    cards.set(name, { root: made, seen: "" });
    list.append(made);
  }
  return cards.get(name);
}

function show(study) {
  const entry = card(study.name);
  const seen = JSON.stringify([study, me]);
  if (seen === entry.seen) return; // a button that is being pressed stays where it is
  entry.seen = seen;
  const part = (selector) => entry.root.querySelector(selector);
  const finished = Object.values(study.trials).reduce((sum, each) => sum + each, 0);
  part("h2").textContent = study.name;
  part(".badge").textContent = study.wanted ? `${study.state} (then ${study.wanted})` : study.state;
  part(".badge").className = `badge ${study.state}`;
  const by = study.owner ? `by ${study.owner}` : "";
  const priority = study.priority ? `priority ${study.priority}` : "";
  const where = study.kind === "external" ? "trained by clients" : "";
  part(".about").textContent = [study.method && `${study.method} search`, where, by, priority].filter(Boolean).join(" · ");
  part(".reason").hidden = !study.reason;
  part(".reason").textContent = study.reason || "";
  const bar = part(".bar");
  const share = study.n_trials ? Math.min(1, finished / study.n_trials) : study.state === "done" ? 1 : 0;
  bar.firstElementChild.style.width = `${100 * share}%`;
  bar.setAttribute("aria-valuenow", finished);
  bar.setAttribute("aria-valuemax", study.n_trials || finished);
  bar.setAttribute("aria-label", `Trials of ${study.name}`);
  const stage = study.state === "running" && study.stage && study.stage !== "trials" ? ` · ${study.stage}` : "";
  part(".finished").textContent = `${finished} of ${study.n_trials ?? "any number of"} trials${stage}`;
  part(".counts").replaceChildren(...counts(study.trials));
  const best = part(".best");
  best.replaceChildren();
  if (study.best !== null) {
    const value = document.createElement("b");
    value.textContent = number(study.best);
    best.append(value, ` ${study.metric}, trial ${study.best_trial}`);
  }
  part(".actions").replaceChildren(...actions(study, finished));
}

function showAll(found) {
  const names = new Set(found.studies.map((study) => study.name));
  for (const [name, entry] of cards) {
    if (!names.has(name)) {
      entry.root.remove();
      cards.delete(name);
    }
  }
  found.studies.forEach(show);
  found.studies.forEach((study, i) => {
    const root = cards.get(study.name).root;
    if (list.children[i] !== root) list.insertBefore(root, list.children[i] || null);
  });
  list.querySelector(".empty")?.remove();
  if (!names.size) {
    const empty = document.createElement("p");
    empty.className = "empty";
    empty.textContent = "No studies yet. Submit one with bpsearch submit study.toml, or POST /v1/studies.";
    list.append(empty);
  }
  const running = found.studies.filter((study) => study.state === "running").length;
  const waiting = found.studies.filter((study) => study.state === "queued").length;
  say(`${names.size} in the queue: ${running} running, ${waiting} waiting`);
}

async function poll() {
  try {
    showAll(await ask("/v1/studies"));
  } catch (error) {
    say(error.message, true);
  }
}

let polling = 0;

function follow() {
  const events = new EventSource("/v1/events");
  events.onmessage = (event) => {
    clearInterval(polling);
    polling = 0;
    showAll(JSON.parse(event.data));
  };
  events.onerror = () => {
    if (!polling) polling = setInterval(poll, POLL_MS); // until the stream is back
    say("The connection is lost; trying again …", true);
    if (events.readyState === EventSource.CLOSED) setTimeout(follow, AGAIN_MS);
  };
}

async function begin() {
  try {
    me = await ask("/v1/me");
  } catch (error) {
    say(error.message, true);
    return;
  }
  document.getElementById("who").textContent = `Token ${me.name}, scope ${me.scope}.`;
  if (me.mlflow) document.getElementById("links").append(link("MLflow", "/bpsearch/mlflow"));
  await poll();
  follow();
}

begin();
