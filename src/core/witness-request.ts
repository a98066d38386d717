/** C2SP tlog-witness: the body of add-checkpoint, as a log sends it and as a witness reads it. */
import { fromBase64, toBase64 } from "./bytes.ts";
import { parseDecimal } from "./checkpoint.ts";
import { HASH_BYTES } from "./sha256.ts";

export interface AddCheckpoint {
  /** Size of the tree that the witness cosigned last; 0: none. */
  oldSize: number;
  /** Consistency proof from there. */
  proof: Uint8Array[];
  /** The signed checkpoint, verbatim. */
  checkpoint: string;
}

/** A client sends no more hashes than this. */
const MAX_HASHES = 63;

export function formatAddCheckpoint({ oldSize, proof, checkpoint }: AddCheckpoint): string {
  return `old ${oldSize}\n${proof.map((hash) => `${toBase64(hash)}\n`).join("")}\n${checkpoint}`;
}

/** Takes an untrusted body apart; null for anything that `formatAddCheckpoint` would not have written. */
export function parseAddCheckpoint(body: string): AddCheckpoint | null {
  const end = body.indexOf("\n\n");
  if (end < 0) return null;
  const [first = "", ...lines] = body.slice(0, end).split("\n");
  const oldSize = parseDecimal(/^old (\d+)$/.exec(first)?.[1] ?? "");
  const proof = lines.map(fromBase64);
  if (oldSize === null || proof.length > MAX_HASHES || proof.some((hash) => hash?.length !== HASH_BYTES)) return null;
  const request = { oldSize, proof: proof as Uint8Array[], checkpoint: body.slice(end + 2) };
  return formatAddCheckpoint(request) === body ? request : null;
}
