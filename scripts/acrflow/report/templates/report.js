"use strict";
// The report's page: draws the charts, and lets readers browse the examples. Nothing here asks the network, and every
// text of the run reaches the page as text (textContent), never as HTML.

const byId = (id) => document.getElementById(id);

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

async function drawCharts() {
  const specifications = JSON.parse(byId("charts").textContent);
  for (const place of document.querySelectorAll("[data-chart]")) {
    const specification = specifications[place.dataset.chart];
    // the interpreter instead of generated code: the page's policy forbids eval
    await vegaEmbed(place, specification, { mode: "vega", actions: false, renderer: "svg", ast: true });
    place.querySelector("svg")?.setAttribute("aria-label", specification.description);
    for (const list of place.querySelectorAll("select")) list.setAttribute("aria-label", "What the chart shows");
  }
}

async function unpack() {
  const bytes = Uint8Array.from(atob(byId("packed").textContent), (sign) => sign.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

const PAGE = 10; // examples shown at a time
const ANY = "";
const CITATION = /\[\s*\d{1,4}(?:\s*[,;\-–−]\s*\d{1,4})*\s*\]/g;

class Browser {
  constructor(data) {
    this.data = data;
    this.form = byId("filters");
    this.list = byId("example-list");
    this.shown = PAGE;
    const values = (key) => [...new Set(data.rows.map((row) => row[key]))].sort();
    this.fill("split", [...new Set(data.rows.map((row) => row.split))]);
    this.fill("topic", values("topic"));
    this.fill("modality", values("modality"));
    this.fill("label", data.labels);
    this.fill("model", data.models);
    this.form.addEventListener("input", () => this.show(PAGE));
    this.form.addEventListener("reset", () => setTimeout(() => this.show(PAGE)));
    this.form.addEventListener("submit", (event) => event.preventDefault());
    byId("more-examples").addEventListener("click", () => this.more());
    this.show(PAGE);
  }

  fill(name, values) {
    for (const value of values) this.form.elements[name].append(element("option", { value }, value));
  }

  matches(row) {
    const wanted = Object.fromEntries(new FormData(this.form));
    if (wanted.split !== ANY && row.split !== wanted.split) return false;
    if (wanted.topic !== ANY && row.topic !== wanted.topic) return false;
    if (wanted.modality !== ANY && row.modality !== wanted.modality) return false;
    if (wanted.label !== ANY && this.data.labels[row.label] !== wanted.label) return false;
    if (wanted.words && !row.words.includes(wanted.words.toLowerCase())) return false;
    const models = wanted.model === ANY ? this.data.models : [wanted.model];
    const answers = models.map((model) => row.answers[model]).filter(Boolean);
    const right = answers.filter((answer) => answer[0] === row.label).length;
    if (wanted.outcome === "right") return answers.length > 0 && right === answers.length;
    if (wanted.outcome === "wrong") return right < answers.length;
    if (wanted.outcome === "unparsed") return answers.some((answer) => answer[0] < 0);
    if (wanted.outcome === "differ") return new Set(answers.map((answer) => answer[0])).size > 1;
    return true;
  }

  show(count) {
    for (const row of this.data.rows) {
      row.words ??= [row.procedure, row.variant, row.topic, ...row.traces].join(" ").toLowerCase();
    }
    this.found = this.data.rows.filter((row) => this.matches(row));
    this.shown = Math.min(count, this.found.length);
    this.list.replaceChildren(...this.found.slice(0, this.shown).map((row) => this.article(row)));
    this.tell();
  }

  more() {
    const from = this.shown;
    this.shown = Math.min(from + PAGE, this.found.length);
    const added = this.found.slice(from, this.shown).map((row) => this.article(row));
    this.list.append(...added);
    this.tell();
    added[0]?.querySelector("h3").focus();
  }

  tell() {
    const rows = this.found.length === 1 ? "row" : "rows";
    byId("found").textContent = `${this.found.length} ${rows}, ${this.shown} shown`;
    byId("more-examples").hidden = this.shown >= this.found.length;
  }

  article(row) {
    const chosen = this.form.elements.model.value;
    const models = chosen === ANY ? this.data.models : [chosen];
    const title = element("h3", { tabindex: "-1", id: `row-${row.id}` }, row.procedure);
    const gold = element(
      "div",
      { class: "gold" },
      element("h4", {}, `${this.data.judge}: ${this.data.labels[row.label]}${row.rating === null ? "" : `, rating ${row.rating}`}`),
      row.votes ? element("p", { class: "quiet" }, `Votes for 1 to ${row.votes.length}: ${row.votes.join(", ")}`) : null,
      row.traces.length
        ? element("ol", {}, ...row.traces.map((trace) => element("li", {}, ...this.cited(trace, row, "acr"))))
        : element("p", { class: "quiet" }, "The guideline gives no reasoning for this row."),
      this.studies(row, "acr", row.left_out),
      this.studies(row, "retrieved", []),
    );
    const answers = models.flatMap((model) => this.answer(model, row));
    return element(
      "article",
      { class: "example", "aria-labelledby": `row-${row.id}` },
      element("p", { class: "kicker" }, [row.split, row.topic, row.modality].filter(Boolean).join(" · ")),
      title,
      element("p", {}, row.variant),
      element("div", { class: "pair" }, gold, element("div", {}, ...answers)),
    );
  }

  answer(model, row) {
    const answer = row.answers[model];
    if (!answer) return [element("h4", {}, element("code", {}, model), ": not asked, the prompt was too long")];
    const [label, text, shares] = answer;
    const right = label === row.label;
    const mark = element("span", { class: right ? "right-mark" : "wrong-mark" }, right ? "✓ right" : "✗ wrong");
    const said = label < 0 ? "no label" : this.data.labels[label];
    const odds = shares.map((share, place) => `${this.data.short[place]} ${Math.round(100 * share)} %`).join(", ");
    return [
      element("h4", {}, element("code", {}, model), `: ${said} `, mark),
      odds ? element("p", { class: "quiet odds" }, odds) : null,
      element("div", { class: "completion" }, ...this.cited(text, row, this.data.read[model])),
    ].filter(Boolean);
  }

  studies(row, kind, leftOut) {
    if (!row.evidence[kind].length) return null;
    const items = row.evidence[kind].map(([number, pmid]) => {
      const [title, year, text] = this.data.studies[pmid];
      const heading = [title, year].filter(Boolean).join(", ");
      const address = `https://pubmed.ncbi.nlm.nih.gov/${pmid}/`;
      const name = `PMID ${pmid}`;
      const source = this.data.linked ? element("a", { href: address, rel: "noreferrer" }, name) : name;
      return element(
        "li",
        { id: `study-${row.id}-${kind}-${number}`, tabindex: "-1" },
        `[${number}] `,
        heading ? element("strong", {}, `${heading}. `) : null,
        `${text} `,
        element("span", { class: "quiet" }, source),
      );
    });
    const source = kind === "acr" ? "the guideline's evidence" : "retrieved evidence";
    const count = `${items.length} ${items.length === 1 ? "study" : "studies"} as ${source}`;
    const left = leftOut.length ? `, ${leftOut.length} more had no room` : "";
    return element("details", {}, element("summary", {}, count + left), element("ul", {}, ...items));
  }

  // A text with its citations as links to the studies of a kind; one that is not among them is marked.
  cited(text, row, kind) {
    const shown = new Set((row.evidence[kind] ?? []).map(([number]) => number));
    const parts = [];
    let end = 0;
    for (const bracket of text.matchAll(CITATION)) {
      parts.push(text.slice(end, bracket.index));
      let from = bracket.index;
      for (const number of bracket[0].matchAll(/\d+/g)) {
        const at = bracket.index + number.index;
        parts.push(text.slice(from, at), this.citation(Number(number[0]), number[0], shown, `study-${row.id}-${kind}`));
        from = at + number[0].length;
      }
      parts.push(text.slice(from, bracket.index + bracket[0].length));
      end = bracket.index + bracket[0].length;
    }
    parts.push(text.slice(end));
    return parts.filter((part) => part !== "");
  }

  citation(number, text, shown, list) {
    if (!shown.has(number)) return element("span", { class: "not-shown", title: "not among the studies shown" }, text);
    const link = element("a", { href: `#${list}-${number}` }, text);
    link.addEventListener("click", (event) => {
      event.preventDefault();
      const study = byId(`${list}-${number}`);
      study.closest("details").open = true;
      study.scrollIntoView({ block: "nearest" });
      study.focus();
    });
    return link;
  }
}

async function start() {
  document.documentElement.classList.add("scripted");
  new Browser(await unpack());
  await drawCharts();
  document.documentElement.dataset.ready = String(Math.round(performance.now()));
}

start().catch((error) => {
  console.error(error);
  byId("found").textContent = `The examples cannot be shown: ${error.message}`;
});
