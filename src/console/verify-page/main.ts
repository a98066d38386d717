/** The page `verify.html`: files in, reports out. It asks nobody anything and stores nothing. */
import { LIMITS } from "../../core/limits.ts";
import { contradictionBetween } from "../../verifier/heads.ts";
import { verifyFile } from "../../verifier/kinds.ts";
import type { VerifierReport } from "../../verifier/report.ts";
import { WEB } from "./platform.ts";
import { renderReport, spoken } from "./render.ts";
import { looksLikePolicy, readTrust } from "./trust.ts";

/** Put in when the page is built: a golden evidence file and the policy that fits it. */
declare const SAMPLE: { file: string; evidence: string; policy: string };

interface GivenFile {
  name: string;
  bytes: Uint8Array;
}

const byId = <Type extends HTMLElement>(id: string): Type => document.getElementById(id) as Type;
const page = {
  drop: byId("drop"),
  files: byId<HTMLInputElement>("files"),
  trust: byId<HTMLTextAreaElement>("trust"),
  trustFile: byId<HTMLInputElement>("trust-file"),
  trustFault: byId("trust-fault"),
  results: byId("results"),
  reports: byId("reports"),
  said: byId("said"),
};

let given: GivenFile[] = [];

/** Verifies what was given last with what is trusted now. */
function verifyAgain(): void {
  const policy = readTrust(page.trust.value);
  const fault = typeof policy === "string" ? policy : "";
  page.trustFault.textContent = fault;
  page.trust.setAttribute("aria-invalid", String(fault !== ""));
  page.reports.replaceChildren();
  page.results.hidden = given.length === 0;
  if (given.length === 0) return;
  if (typeof policy === "string") {
    page.said.textContent = `Nothing was verified. What you trust cannot be read: ${policy}`;
    return;
  }
  const reports: { name: string; report: VerifierReport }[] = given.map(({ name, bytes }) => ({
    name,
    report: verifyFile(bytes, policy, WEB),
  }));
  const contradiction = contradictionBetween(reports.flatMap(({ report }) => report.heads));
  if (contradiction) reports.push({ name: "these files together", report: contradiction });
  page.reports.append(...reports.map(({ name, report }) => renderReport(name, report)));
  page.said.textContent = reports.map(({ report }) => spoken(report)).join(". ");
}

async function take(list: Iterable<File>): Promise<void> {
  const files: GivenFile[] = [];
  let policy: string | null = null;
  for (const file of list) {
    if (file.size > LIMITS.bundleBytes) {
      page.said.textContent = `Nothing was verified: ${file.name} has more than ${LIMITS.bundleBytes} bytes.`;
      page.results.hidden = false;
      return;
    }
    const bytes = new Uint8Array(await file.arrayBuffer());
    const text = new TextDecoder().decode(bytes);
    if (looksLikePolicy(text)) policy = text;
    else files.push({ name: file.name, bytes });
  }
  if (policy !== null) page.trust.value = policy;
  if (files.length > 0) given = files;
  verifyAgain();
  if (files.length > 0) page.results.focus();
}

function trySample(change: (evidence: string) => string): void {
  page.trust.value = SAMPLE.policy;
  given = [{ name: SAMPLE.file, bytes: new TextEncoder().encode(change(SAMPLE.evidence)) }];
  verifyAgain();
  page.results.focus();
}

/** One letter of the entry, as somebody might who wants it to say something else. */
function tamper(evidence: string): string {
  return evidence.replace(/^extra (.*)$/m, (_, extra: string) => `extra ${btoa(atob(extra).replace("inv_", "inv_9"))}`);
}

page.files.addEventListener("change", () => void take(page.files.files ?? []));
page.trust.addEventListener("input", verifyAgain);
page.trustFile.addEventListener("change", async () => {
  const file = page.trustFile.files?.[0];
  if (!file || file.size > LIMITS.policyBytes) return;
  page.trust.value = await file.text();
  verifyAgain();
});
byId("sample").addEventListener("click", () => trySample((evidence) => evidence));
byId("tampered").addEventListener("click", () => trySample(tamper));
document.addEventListener("dragover", (event) => {
  event.preventDefault();
  page.drop.classList.add("over");
});
document.addEventListener("dragleave", () => page.drop.classList.remove("over"));
document.addEventListener("drop", (event) => {
  event.preventDefault();
  page.drop.classList.remove("over");
  void take(event.dataTransfer?.files ?? []);
});
// Pasting the text of a file anywhere but into a field.
document.addEventListener("paste", (event) => {
  if (event.target instanceof HTMLTextAreaElement) return;
  const files = event.clipboardData?.files ?? [];
  const text = event.clipboardData?.getData("text/plain") ?? "";
  void take(files.length > 0 || text === "" ? files : [new File([text], "pasted text")]);
});
