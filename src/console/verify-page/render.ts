/** A report as elements. Everything in it is untrusted, so it only ever becomes text. */
import { safeText } from "../../core/safe-text.ts";
import type { EvidenceReport } from "../../verifier/evidence.ts";
import {
  STATUS_WORDS,
  type Step,
  type StepStatus,
  VERDICT_WORDS,
  type Verdict,
  type VerifierReport,
} from "../../verifier/report.ts";

/** Shapes that differ without colour. */
const STEP_SIGN: Record<StepStatus, string> = { ok: "✓", failed: "✗", not_checked: "–" };
const VERDICT_SIGN: Record<Verdict, string> = {
  verified: "✓",
  refuted: "✗",
  not_witnessed: "!",
  could_not_check: "?",
  contradicts_remembered_head: "✗",
};

export function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  className: string,
  ...content: (Node | string)[]
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...content);
  return made;
}

/** One line for those who hear the page. */
export const spoken = ({ verdict, subject }: VerifierReport): string =>
  `${VERDICT_WORDS[verdict]}: ${safeText(subject)}`;

export function renderReport(file: string, report: VerifierReport): HTMLElement {
  const { verdict, subject, steps, notChecked, advice } = report;
  const sign = element("span", "sign", VERDICT_SIGN[verdict]);
  sign.setAttribute("aria-hidden", "true");
  const list = element("ol", "steps", ...steps.map(renderStep));
  const parts: Node[] = [
    element("h3", "verdict", sign, VERDICT_WORDS[verdict]),
    element("p", "subject", safeText(subject)),
    element("p", "file", safeText(file, 200)),
    list,
    ...section("Not checked", notChecked),
    ...section("What to do", advice),
  ];
  const entry = report.kind === "evidence" ? (report as EvidenceReport).entry : null;
  if (entry) parts.push(renderEntry(entry.payload, entry.entryHash));
  return element("article", `report ${verdict}`, ...parts);
}

function renderStep({ step, status, detail }: Step, index: number): HTMLElement {
  const sign = element("span", "sign", STEP_SIGN[status]);
  sign.setAttribute("aria-hidden", "true");
  const words = element("span", "status", STATUS_WORDS[status]);
  const name = element("b", "name", safeText(step));
  const line = element(
    "li",
    status,
    sign,
    element("div", "", name, " ", words, element("p", "detail", safeText(detail))),
  );
  line.style.setProperty("--at", String(index));
  return line;
}

function section(title: string, items: readonly string[]): Node[] {
  if (items.length === 0) return [];
  return [element("h4", "", title), element("ul", "", ...items.map((item) => element("li", "", safeText(item))))];
}

/** Indented to be read; the exact text that was hashed stands below it. */
function renderEntry(payload: string, entryHash: string): HTMLElement {
  const readable = JSON.stringify(JSON.parse(payload), null, 2);
  const lines = readable.split("\n").map((line) => safeText(line, 70_000));
  return element(
    "details",
    "",
    element("summary", "", "The entry"),
    element("pre", "", lines.join("\n")),
    element("p", "", "Entry hash: ", element("code", "", entryHash)),
  );
}
