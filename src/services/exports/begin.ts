/** The first step of an export: what it is proved against, and the files that every export has. */
import { BUNDLE, EXPIRED_ATTACHMENT } from "../../core/bundle.ts";
import { fromBase64, fromHex, toBase64, utf8 } from "../../core/bytes.ts";
import { parseCheckpointNote } from "../../core/checkpoint.ts";
import { AppError, isAppError } from "../../core/errors.ts";
import { formatSetProof, type SetProof } from "../../core/evidence-set.ts";
import { exportKey } from "../../core/export/key.ts";
import { expired } from "../log/cold/floors.ts";
import { readThrough } from "../log/read-through.ts";
import { ArchiveTail } from "./archive.ts";
import { upload } from "./commit.ts";
import type { ExportDeps } from "./deps.ts";
import type { ExportPlan, ExportRecord } from "./ports.ts";
import { exportReadme } from "./readme.ts";

export async function beginExport(record: ExportRecord, deps: ExportDeps): Promise<ExportRecord> {
  const { wish } = record;
  const { log, store, clock, signer, script, page } = deps;
  const { size, firstKept } = await log.head();
  const to = wish.to ?? size - 1;
  if (to < firstKept) throw expired(to, firstKept);
  const from = Math.max(wish.from, firstKept);
  const proved = await log.setProof({ kind: "range", from, to });
  if (!proved) throw new AppError("resource.not_found", { internal: "export: the log does not have its entries" });
  const checkpoint = parseCheckpointNote(proved.checkpoint.note)?.checkpoint;
  if (checkpoint?.origin !== signer.name) throw new TypeError("the checkpoint is not of this log");
  // A sealed row that is not copied yet would look like one that is lost.
  if (wish.isPrivate) await log.flush();
  else await upToDate(deps);
  const [first] = await readThrough({ fromSeq: from, toSeq: from, limit: 1 }, deps.places(await deps.shards()));
  if (!first) throw new AppError("storage.unavailable", { internal: "export: its first entry is not there" });
  const plan: ExportPlan = {
    ...{ from, to, checkpoint: proved.checkpoint.note, size: checkpoint.size },
    root: toBase64(checkpoint.root),
    prevHash: first.prevHash,
    hashes: wish.filter ? null : proved.hashes.map(toBase64),
    madeAtMs: clock(),
  };
  const gone = from > wish.from ? await deps.expiredProof(firstKept) : null;
  const archive = new ArchiveTail(deps, 0, new Uint8Array());
  const files: [string, string][] = [
    [
      BUNDLE.readme,
      exportReadme({ origin: signer.name, plan, wish, gone: gone !== null, verifierKey: signer.verifierKey }),
    ],
    [BUNDLE.script, script],
    [BUNDLE.page, page],
    [BUNDLE.policy, `${JSON.stringify(deps.policy(), null, 2)}\n`],
    [BUNDLE.checkpoint, plan.checkpoint],
  ];
  if (gone !== null) files.push([EXPIRED_ATTACHMENT, gone]);
  const proof = rangeProof(plan);
  if (proof) files.push([BUNDLE.proof, formatSetProof(proof)]);
  for (const [name, text] of files) archive.addFile(name, utf8(text));
  const uploadId = await store.begin(exportKey(deps.domainId, wish.id), wish.id);
  const change = {
    status: "running",
    phase: "entries",
    plan,
    uploadId,
    next: plan.from,
    lastHash: plan.prevHash,
  } as const;
  return upload(deps, { ...record, parts: 0 }, change, archive, false);
}

/** A copy that cannot be brought up to date now is read as far as it goes: the rest is in the archive or the object. */
async function upToDate({ log }: ExportDeps): Promise<void> {
  await log.flush().catch((error: unknown) => {
    if (!isAppError(error) || error.code !== "storage.unavailable") throw error;
  });
}

/** Null: a selection, whose groups have proofs of their own. */
function rangeProof({ from, to, prevHash, hashes }: ExportPlan): SetProof | null {
  if (!hashes) return null;
  const before = fromHex(prevHash);
  const read = hashes.map(fromBase64);
  if (!before || !read.every((hash) => hash !== null)) throw new TypeError("a plan has hashes");
  return { kind: "range", from, to, prevHash: before, hashes: read };
}
