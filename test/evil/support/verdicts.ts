/** What those who look say about a log: the command's functions, the server, and the object at its next append. */
import { type HeadOnFile } from "../../../src/cli/verify/heads.ts";
import { verifyByServer } from "../../../src/cli/verify/server.ts";
import { verifyLog } from "../../../src/cli/verify/verify-log.ts";
import { MoonsealClient } from "../../../src/client/index.ts";
import { sha256 } from "../../../src/crypto/sha256.ts";
import { NO_TRUST } from "../../../src/verifier/policy.ts";
import { auditUrl, type Domain, event, post } from "../../storm/support/story.ts";

export interface Verdict {
  verdict: string;
  seq: number | null;
  fault: string | null;
}

export const VERIFIED: Verdict = { verdict: "verified", seq: null, fault: null };
export const refuted = (seq: number, fault: string): Verdict => ({ verdict: "refuted", seq, fault });
export const contradicts = (seq: number, fault: "tail_cut" | "head_mismatch"): Verdict => ({
  verdict: "contradicts_remembered_head",
  seq,
  fault,
});

const clientOf = (url: string, { key }: Domain) => new MoonsealClient({ baseUrl: url, apiKey: key });
const patience = () => AbortSignal.timeout(20_000);

/** Only what the entries say: what signed checkpoints add is tried elsewhere. */
const NO_CHECKPOINT = { checkpoint: async () => null, policy: NO_TRUST, policyNamed: false };

/** `moonseal verify --full`, with or without a head that was remembered before. */
export async function stranger(url: string, domain: Domain, remembered: HeadOnFile | null = null): Promise<Verdict> {
  const request = { domainId: domain.domainId, full: true, remembered, ...NO_CHECKPOINT };
  const { verdict, finding } = await verifyLog(clientOf(url, domain), sha256, request, patience());
  return { verdict, seq: finding?.seq ?? null, fault: finding?.fault ?? null };
}

/** `moonseal verify --server`. */
export async function server(url: string, domain: Domain): Promise<Verdict> {
  const { answer } = await verifyByServer(clientOf(url, domain), domain.domainId, {}, patience());
  return { verdict: answer.verdict, seq: answer.first_bad_seq, fault: answer.fault };
}

/** The next append makes a freshly started object compare itself with its copies: it goes on, or says why not. */
export async function nextAppend(url: string, domain: Domain): Promise<string> {
  const headers = { prefer: "wait=replicated" };
  const { status, body } = await post(`${auditUrl(url, domain)}/entries`, domain.key, event(), headers);
  return status === 201 ? `entry ${body.receipts[0].seq}` : `${body.code}: ${body.detail}`;
}
