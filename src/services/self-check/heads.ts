/**
 * The heads of a log beside each other: what its object shows now, what was seen before, what the archive shows, and what witnesses
 * remember. A head never goes back, and a larger tree begins with every smaller one (RFC 6962 §2.1.2).
 */
import { fromHex, toHex } from "../../core/bytes.ts";
import { checkConsistency } from "../../core/merkle/consistency.ts";
import type { HeadResult } from "../log/calls.ts";
import type { CheckpointView } from "../log/tree-calls.ts";
import { originHash } from "../witness/witness.ts";
import type { Finding, StoreName } from "./checks.ts";
import type { SelfCheckDeps } from "./deps.ts";
import type { CheckRecord } from "./record.ts";
import { isOfUnknownKey, signedIn } from "./signed.ts";

type HeadDeps = Pick<
  SelfCheckDeps,
  "log" | "mirror" | "origin" | "logKeys" | "verify" | "sha256" | "witnesses" | "exchange"
>;

export interface HeadsSeen {
  head: HeadResult;
  checkpoint: CheckpointView;
  /** Size of the checkpoint that the archive shows, when it is one of this log; 0: none. */
  mirrored: number;
  findings: Finding[];
}

/** Throws `storage.unavailable` where nothing is signed yet, or a store does not answer; `log.unsigned` where nothing will be. */
export async function lookAtHeads(seen: CheckRecord["seen"], deps: HeadDeps): Promise<HeadsSeen> {
  // The head comes first: everything that is asked later can only be further.
  const head = await deps.log.head();
  const checkpoint = await deps.log.checkpoint();
  const findings: Finding[] = [];
  if (head.size < seen.size) findings.push(found("object", "object", "set_back", head.size));
  const signed = signedIn(checkpoint.note, deps);
  if (isOfUnknownKey(checkpoint.note, deps)) {
    // Without its key nothing that the log has signed can be judged.
    const unknown = found("keys", "cell", "log_key_unknown", null);
    return { head, checkpoint, mirrored: 0, findings: [...findings, unknown] };
  }
  if (signed?.size !== checkpoint.size || toHex(signed.root) !== checkpoint.root) {
    findings.push(found("checkpoint", "object", "checkpoint_altered", checkpoint.size));
  }
  if (seen.checkpoint) findings.push(...(await demandGrowth(seen.checkpoint, "object", deps)));
  const mirrored = await lookAtMirror(seen, head, deps);
  return { head, checkpoint, mirrored: mirrored.size, findings: [...findings, ...mirrored.findings] };
}

async function lookAtMirror(seen: CheckRecord["seen"], head: HeadResult, deps: HeadDeps) {
  // Mirrored as far as it was signed: the archive showed that very checkpoint already.
  const least = Math.max(seen.mirrored, head.mirroredSize === head.signedSize ? head.mirroredSize : 0);
  const note = await deps.mirror.checkpoint();
  const of = (fault: string, seq: number | null) => [found("checkpoint", "mirror", fault, seq)];
  if (note === null) return { size: 0, findings: least > 0 ? of("checkpoint_missing", 0) : [] };
  const shown = signedIn(note, deps);
  if (!shown) return { size: 0, findings: of("checkpoint_altered", null) };
  if (shown.size < least) return { size: shown.size, findings: of("checkpoint_rolled_back", shown.size) };
  const findings = await demandGrowth({ size: shown.size, root: toHex(shown.root) }, "mirror", deps);
  return { size: shown.size, findings };
}

/** That the newest signed tree begins with one that this log has signed before. */
async function demandGrowth(
  before: { size: number; root: string },
  shownBy: StoreName,
  { log, sha256 }: Pick<HeadDeps, "log" | "sha256">,
): Promise<Finding[]> {
  const check = shownBy === "witness" ? "witness" : "checkpoint";
  const grown = await log.growthProof({ from: before.size, to: null });
  if (!grown) {
    const { size } = await log.checkpoint();
    const fault = { object: "set_back", mirror: "object_behind", witness: "witness_ahead" }[shownBy as "object"];
    return size < before.size ? [found(check, shownBy, fault, size)] : [];
  }
  const [from, to] = [fromHex(before.root), fromHex(grown.checkpoint.root)];
  const continues =
    !!from && !!to && checkConsistency(sha256, before.size, grown.checkpoint.size, grown.hashes, from, to);
  const fault = { object: "rewritten", mirror: "checkpoint_contradicts", witness: "witness_contradicts" };
  return continues ? [] : [found(check, shownBy, fault[shownBy as keyof typeof fault], null)];
}

/**
 * What the witnesses of the log remember, asked for at themselves. Only what the log's own key has signed counts: a witness's word
 * alone stops nobody. `silent`: they did not answer, or hold up nothing of this log.
 */
export async function lookAtWitnesses(deps: HeadDeps): Promise<{ findings: Finding[]; silent: number }> {
  const asked = await Promise.all(
    deps.witnesses.map(async ({ monitoringUrl }) => {
      const url = `${monitoringUrl}/${originHash(deps.sha256, deps.origin)}/checkpoint`;
      const answer = await deps.exchange({ url, body: null });
      return "failure" in answer || answer.status !== 200 ? null : signedIn(answer.body, deps);
    }),
  );
  const held = asked.filter((each) => each !== null && each.size > 0);
  const findings = await Promise.all(
    held.map((each) => (each ? demandGrowth({ size: each.size, root: toHex(each.root) }, "witness", deps) : [])),
  );
  return { findings: findings.flat(), silent: asked.length - held.length };
}

const found = (check: Finding["check"], store: StoreName, fault: string, seq: number | null): Finding => ({
  check,
  store,
  fault,
  seq,
  place: seq ?? 0,
});
