/**
 * Being a witness of one log (C2SP tlog-witness, add-checkpoint): the part that depends on what was cosigned before.
 *
 * Commit order, with the crash after each:
 *  1. in one transaction: the latest head read, compared, replaced      not durable yet, and nobody was answered: the log asks
 *     again and meets either head. Two requests at once: the second one reads what the first wrote
 *  2. that write is durable                                             the log asks again with its old size, is told the new
 *     one (409), and gets its cosignature for the same checkpoint
 *  3. the cosignatures are made, with both keys or not at all; other    as after 2
 *     requests may go past this head meanwhile
 *  4. it is stored beside its head for monitors (a later head is never replaced)          as after 2
 *  5. answer
 * Nothing is signed before 2, so there is no cosignature of a head that a crash could take back. Its time is that of 1: a later
 * one would say of this head that it was still the largest when another request had already gone past it.
 */
import { equalBytes, toHex } from "../../core/bytes.ts";
import { checkConsistency } from "../../core/merkle/consistency.ts";
import { emptyRoot } from "../../core/merkle/tree.ts";
import type { Sha256 } from "../../core/sha256.ts";
import type { Clock } from "../ports.ts";
import type { Submission } from "./submission.ts";

/** SHA-256 of the origin in hex: what monitors ask by (C2SP tlog-witness), and the name of the origin's object. */
export const originHash = (sha256: Sha256, origin: string): string => toHex(sha256(origin));

/** The largest head of one origin that was cosigned, or was about to be when a crash came. */
export interface WitnessedHead {
  size: number;
  root: Uint8Array;
}

/** What this witness keeps of one origin. */
export interface WitnessStore {
  /** Runs `decide` on the latest head and stores what it returns, in one transaction. Null: nothing is stored. */
  compareAndStore(decide: (latest: WitnessedHead | null) => WitnessedHead | null): void;
  /** Resolves when everything stored so far survives a crash. */
  durable(): Promise<void>;
  /** The cosigned note for monitors, unless a larger one is there. */
  publish(size: number, note: string): void;
}

export type WitnessAnswer =
  /** 200: signature lines. */
  | { cosigned: string }
  /** 409: size of the latest head. */
  | { conflict: number }
  /** 422 */
  | { inconsistent: string };

/** The rules between two heads. `null`: consistent. */
export function judge(
  submission: Submission,
  latest: WitnessedHead | null,
  sha256: Sha256,
): Exclude<WitnessAnswer, { cosigned: string }> | null {
  const { oldSize, size, root, proof } = submission;
  if (oldSize !== (latest?.size ?? 0)) return { conflict: latest?.size ?? 0 };
  if (size === 0 && !equalBytes(root, emptyRoot(sha256)))
    return { inconsistent: "a tree of size 0 has the root of no leaves" };
  if (oldSize === 0) return proof.length === 0 ? null : { inconsistent: "from size 0 the proof is empty" };
  const oldRoot = (latest as WitnessedHead).root;
  if (oldSize === size && !equalBytes(oldRoot, root))
    return { inconsistent: "another root was cosigned for this size" };
  const extends_ = checkConsistency(sha256, oldSize, size, proof, oldRoot, root);
  return extends_ ? null : { inconsistent: "the proof does not show that this tree begins with the one cosigned last" };
}

/** The objects of the witnessed logs. */
export interface WitnessCalls {
  addCheckpoint(submission: Submission): Promise<WitnessAnswer>;
  /** The latest cosigned checkpoint of the log with this origin hash (SHA-256, lower-case hex). Null: none. */
  checkpoint(originHash: string): Promise<string | null>;
}

export interface WitnessDeps {
  store: WitnessStore;
  /** One line for each key; `timestamp` in POSIX seconds. */
  cosign: (checkpointText: string, timestamp: number) => string | Promise<string>;
  sha256: Sha256;
  clock: Clock;
}

/** Throws what the store throws; then nothing was cosigned. */
export async function addCheckpoint(submission: Submission, deps: WitnessDeps): Promise<WitnessAnswer> {
  const { store, cosign, sha256, clock } = deps;
  let refused = null as WitnessAnswer | null;
  let timestamp = 0;
  store.compareAndStore((latest) => {
    timestamp = Math.floor(clock() / 1000);
    refused = judge(submission, latest, sha256);
    return refused === null ? { size: submission.size, root: submission.root } : null;
  });
  if (refused !== null) return refused;
  await store.durable();
  const cosigned = await cosign(submission.text, timestamp);
  store.publish(submission.size, submission.signed + cosigned);
  return { cosigned };
}
