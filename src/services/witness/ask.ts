/**
 * Having a checkpoint cosigned by one witness (C2SP tlog-witness). What is sent is the old size, proof hashes and the signed
 * checkpoint: nothing else crosses.
 *
 * Commit order, with the crash after each:
 *  1. the checkpoint is in the object's storage, signed                    by signing; nothing was sent that is not there
 *  2. the request is sent                                                  the witness may have cosigned: asked again with the
 *     old size it answers 409 with the new one, and then cosigns the same checkpoint again
 *  3. the answer is verified, then stored with the witness's new size      published by being read from there
 * A conflict moves the size that is remembered of the witness, and the same round asks once more from there.
 */

import { equalBytes } from "../../core/bytes.ts";
import { LIMITS } from "../../core/limits.ts";
import type { Sha256 } from "../../core/sha256.ts";
import { formatAddCheckpoint } from "../../core/witness-request.ts";
import type { TrustedKey } from "../../verifier/policy.ts";
import type { SignatureChecks } from "../../verifier/report.ts";
import type { SignedCheckpoint } from "../log/checkpoints.ts";
import type { Clock } from "../ports.ts";
import { readAnswer, readHeldUp, type WitnessExchange, type WitnessFailure } from "./answer.ts";
import type { WitnessConfig } from "./config.ts";
import type { WitnessJournal } from "./journal.ts";
import { originHash } from "./witness.ts";

/** A checkpoint of this log, signed by itself, that its present tree contradicts: proof of a rollback or of a fork. */
export interface WitnessAlarm {
  witness: string;
  kind: "rollback" | "fork";
  /** What the log signed once, as the witness holds it up. */
  note: string;
  size: number;
}

export interface AskDeps {
  origin: string;
  journal: WitnessJournal;
  /** Size of the newest checkpoint that is signed now; it may have grown since the request was sent. */
  signedSize: () => number;
  /** Consistency proof between two sizes of this log's own tree, both from 1 on. */
  proof: (oldSize: number, size: number) => Uint8Array[];
  /** Root that the tree had at a size from 1 on. */
  rootAt: (size: number) => Uint8Array;
  exchange: WitnessExchange;
  /** Every key that ever signed this log's checkpoints. */
  logKeys: readonly TrustedKey[];
  checks: SignatureChecks;
  sha256: Sha256;
  clock: Clock;
}

export type AskResult = "cosigned" | "failed" | WitnessAlarm;

/** At most `LIMITS.witnessTries` requests. Whatever the witness does, its record says it afterwards. */
export async function askWitness(
  witness: WitnessConfig,
  checkpoint: SignedCheckpoint,
  deps: AskDeps,
): Promise<AskResult> {
  const { journal, exchange, checks, clock } = deps;
  const { size, note } = checkpoint;
  const known = journal.record(witness.verifierKey).size;
  // More than is signed now cannot be proved from; the witness will say what it has.
  let oldSize = known <= size ? known : 0;
  for (let i = 0; i < LIMITS.witnessTries; i++) {
    const proof = oldSize === 0 || oldSize === size ? [] : deps.proof(oldSize, size);
    const answer = await exchange({
      url: `${witness.url}/add-checkpoint`,
      body: formatAddCheckpoint({ oldSize, proof, checkpoint: note }),
    });
    const verdict = readAnswer(answer, note, witness.keys, checks, clock());
    if (verdict.kind === "cosigned") return cosigned(witness, size, verdict, deps);
    if (verdict.kind === "failed") return failed(witness, verdict.failure, deps);
    if (verdict.kind === "refuses_tree") return lookedUp(witness, "witness_refuses_tree", deps);
    if (verdict.size > size) return lookedUp(witness, "witness_ahead", deps);
    if (verdict.size === oldSize) break;
    oldSize = verdict.size;
    journal.put({ ...journal.record(witness.verifierKey), size: oldSize });
  }
  return failed(witness, "conflict_repeated", deps);
}

function cosigned(
  { verifierKey: key }: WitnessConfig,
  size: number,
  { lines, timestamp, incomplete }: { lines: string; timestamp: number; incomplete: boolean },
  { journal, clock }: AskDeps,
): "cosigned" {
  const nowMs = clock();
  const record = {
    ...journal.record(key),
    size,
    witnessedSize: size,
    witnessedAtMs: nowMs,
    failures: 0,
    retryAtMs: 0,
    // Not asked again for it, but said: nobody should believe in a second signature that is not there.
    ...(incomplete && { failedAtMs: nowMs, failure: "cosignature_incomplete" }),
  };
  journal.put(record, { size, key, line: lines, timestamp });
  return "cosigned";
}

function failed({ verifierKey: key }: WitnessConfig, failure: WitnessFailure, { journal, clock }: AskDeps): "failed" {
  const record = journal.record(key);
  const nowMs = clock();
  const delayMs = Math.min(LIMITS.witnessRetryMaxMs, LIMITS.witnessRetryMs * 2 ** Math.min(record.failures, 16));
  const failures = record.failures + 1;
  journal.put({ ...record, failedAtMs: nowMs, failure, failures, retryAtMs: nowMs + delayMs });
  return "failed";
}

/** Asks the witness for the checkpoint that it means, and judges it by this log's own key and tree. */
async function lookedUp(witness: WitnessConfig, failure: WitnessFailure, deps: AskDeps): Promise<AskResult> {
  failed(witness, failure, deps);
  const { origin, exchange, logKeys, checks, sha256, rootAt } = deps;
  const url = `${witness.monitoringUrl}/${originHash(sha256, origin)}/checkpoint`;
  const answer = await exchange({ url, body: null });
  if ("failure" in answer || answer.status !== 200) return "failed";
  const held = readHeldUp(answer.body, origin, logKeys, checks.verify);
  if (!held || held.size === 0) return "failed";
  const alarm = { witness: witness.name, note: answer.body, size: held.size };
  if (held.size > deps.signedSize()) return { ...alarm, kind: "rollback" };
  return equalBytes(held.root, rootAt(held.size)) ? "failed" : { ...alarm, kind: "fork" };
}
