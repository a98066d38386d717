/** What every verification says, in one shape: steps, what was not checked, a verdict and its exit code. */
import type { Sha256 } from "../core/sha256.ts";
import { EXIT } from "./chain.ts";

/** RFC 8032 verification. False, never an exception, for whatever is no signature or no key. */
export type VerifyEd25519 = (publicKey: Uint8Array, message: string, signature: Uint8Array) => boolean;

/** FIPS 204 verification, algorithm 3, with an empty context. False, never an exception, likewise. */
export type VerifyMlDsa44 = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean;

export interface SignatureChecks {
  verify: VerifyEd25519;
  verifyMlDsa44: VerifyMlDsa44;
}

/** What a runtime brings: `crypto/verify.ts` in Node and Workers, the page's own in a browser. */
export interface Platform extends SignatureChecks {
  sha256: Sha256;
}

export type StepStatus = "ok" | "failed" | "not_checked";

export interface Step<Name extends string = string> {
  step: Name;
  status: StepStatus;
  /** What it proves when it is ok, what is wrong, or why it was not checked. May hold untrusted text. */
  detail: string;
}

/**
 * `could_not_check`: nothing is wrong, but a key or a part is missing, so nothing is proved either.
 * `contradicts_remembered_head`: the log was seen otherwise before.
 */
export const VERDICTS = [
  "verified",
  "refuted",
  "not_witnessed",
  "could_not_check",
  "contradicts_remembered_head",
] as const;
export type Verdict = (typeof VERDICTS)[number];

/** The one word of a verdict and of a step's status, wherever a report is shown. */
export const VERDICT_WORDS: Record<Verdict, string> = {
  verified: "Verified",
  refuted: "Refuted",
  not_witnessed: "Not witnessed",
  could_not_check: "Could not check",
  contradicts_remembered_head: "Contradicts the remembered head",
};
export const STATUS_WORDS: Record<StepStatus, string> = { ok: "ok", failed: "FAILED", not_checked: "not checked" };

/** A head that a trusted key signed. */
export interface SignedHead {
  origin: string;
  size: number;
  /** Base64. */
  root: string;
}

export interface VerifierReport {
  /** What was recognised, such as `evidence`. */
  kind: string;
  /** What the verdict is about, in one line. May hold untrusted text. */
  subject: string;
  verdict: Verdict;
  steps: Step[];
  /** What a good verdict says nothing about, in plain words. */
  notChecked: string[];
  /** What the reader can do about a verdict that is not good. */
  advice: string[];
  heads: SignedHead[];
}

/** DESIGN §5. */
export const EXIT_OF_VERDICT: Record<Verdict, number> = {
  verified: EXIT.verified,
  refuted: EXIT.refuted,
  not_witnessed: EXIT.notWitnessed,
  could_not_check: EXIT.couldNotCheck,
  contradicts_remembered_head: EXIT.contradictsRememberedHead,
};

/** Of several verdicts, the one that counts for all: the first that stands here. */
const WORST_FIRST: readonly Verdict[] = [
  "contradicts_remembered_head",
  "refuted",
  "could_not_check",
  "not_witnessed",
  "verified",
];

/** Nothing at all was not checked either. */
export function worstVerdict(verdicts: readonly Verdict[]): Verdict {
  return WORST_FIRST.find((verdict) => verdicts.includes(verdict)) ?? "could_not_check";
}

/** Collects steps in the order in which they are taken. */
export class StepList<Name extends string = string> {
  readonly steps: Step<Name>[] = [];

  /** A step that holds unless there is a fault. Whether it holds. */
  check(step: Name, fault: string | null, proves: string): boolean {
    this.steps.push({ step, status: fault === null ? "ok" : "failed", detail: fault ?? proves });
    return fault === null;
  }

  skip(step: Name, why: string): void {
    this.steps.push({ step, status: "not_checked", detail: why });
  }

  /** Whether a step failed, other than these. */
  failed(...except: Name[]): boolean {
    return this.steps.some(({ step, status }) => status === "failed" && !except.includes(step));
  }
}

/** A report that ends at its first step: the file is not what it seemed to be, or nothing that is known. */
export function reportOfOneStep(
  kind: string,
  subject: string,
  verdict: "refuted" | "could_not_check",
  detail: string,
  advice: string[] = [],
): VerifierReport {
  const status = verdict === "refuted" ? "failed" : "not_checked";
  const steps: Step[] = [{ step: "format", status, detail }];
  return { kind, subject, verdict, steps, notChecked: ["everything that the file claims"], advice, heads: [] };
}
