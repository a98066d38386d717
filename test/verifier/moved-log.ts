/** A small log with its export, and logs into which it moved, truthfully or not. Runs in Node. */
import { BUNDLE } from "../../src/core/bundle.ts";
import { toBase64, toHex } from "../../src/core/bytes.ts";
import { translateEntry } from "../../src/core/moving/translate.ts";
import { classifyEvent } from "../../src/core/payload/classify.ts";
import { type EntryFields, parsePayload } from "../../src/core/payload/payload.ts";
import { readZip, sourceOf } from "../../src/core/zip.ts";
import { sha256 } from "../../src/crypto/sha256.ts";
import { saltBytesFor, sequenceEntries } from "../../src/services/log/sequence.ts";
import { madeExport } from "../support/made-exports.ts";
import { logSigner, ProvedLog, policyJson, rowsFromGenesis } from "./proved-log.ts";

const NEW_DOMAIN = "dom_us_01jegc8qvyfgx9tmvc3w70yjrh";
export const NEW_ORIGIN = `log.test/${NEW_DOMAIN}`;
const old = new ProvedLog(rowsFromGenesis(6));

export type Planned = { id?: string | undefined; fields: EntryFields };

export const oldExport = () => madeExport({ log: old, wish: { formats: ["ndjson"] } });

/** Trusts the keys of both logs. */
export function movePolicyJson(): { logs: object[] } {
  const { logs } = policyJson() as { logs: object[] };
  return { logs: [...logs, { origin: NEW_ORIGIN, key: logSigner(NEW_ORIGIN).verifierKey }] };
}

/** What a truthful import of the export writes. */
export function truth(archive: Uint8Array): Planned[] {
  const own = { actor: { type: "system" as const, id: "system:moonseal" }, outcome: "success" as const };
  const imported = {
    ...{ origin: old.origin, manifest_sha256: manifestHash(archive), head: { size: 6, root: toBase64(old.root()) } },
    ...{ first: 0, last: 5, entries: 6, private_values: 0, private_values_left_behind: 0 },
  };
  const translated = old.rows.map(({ payload, entryHash }) => {
    const parsed = parsePayload(payload);
    if (!parsed.ok) throw new Error("a row has a payload");
    const event = translateEntry({ entryHash, payload: parsed.payload, byteLength: payload.length }, []);
    return { id: event.id, fields: classifyEvent(event, (id) => toHex(sha256(id))).fields };
  });
  return [
    { fields: { action: "domain.created", ...own, metadata: { genesis: "00".repeat(32) } } },
    { fields: { action: "domain.imported", ...own, metadata: imported } },
    ...translated,
  ];
}

/** The export of a new log that has these entries. */
export function newExport(planned: readonly Planned[]): Promise<Uint8Array> {
  const entries = planned.map(({ id, fields }) => ({
    ...{ pointer: "", eventMac: undefined, privateValues: [], people: [] },
    id,
    fields,
  }));
  const head = { size: 0, entryHash: "00".repeat(32), recordedAtMs: 0 };
  const salts = new Uint8Array(saltBytesFor(entries.length));
  const { rows } = sequenceEntries(sha256, NEW_DOMAIN, head, entries, Date.UTC(2026, 10, 22), salts);
  return madeExport({ log: new ProvedLog(rows, NEW_ORIGIN, logSigner(NEW_ORIGIN)), wish: { formats: ["ndjson"] } });
}

function manifestHash(archive: Uint8Array): string {
  const zip = readZip(sourceOf(archive), 100);
  const file = zip.ok ? zip.files.find(({ name }) => name === BUNDLE.manifest) : undefined;
  return toHex(sha256(archive.subarray(file?.start, (file?.start ?? 0) + (file?.bytes ?? 0))));
}
