/** What the check adds to an entry: pinned bytes, beside the event and never in it. */
import { expect, test } from "vitest";
import type { AuditEvent } from "../../../src/core/event.ts";
import { noted, unnoted } from "../../../src/core/event-schema/note.ts";
import { classifyEvent } from "../../../src/core/payload/classify.ts";
import { encodePayload, parsePayload, scanPayload } from "../../../src/core/payload/payload.ts";

const place = { domain: "dom", seq: 1, id: "x", recorded_at: "2026-11-21T09:14:03.221Z", salt: "00" };
const sent: AuditEvent = {
  action: "order.approved",
  actor: { type: "service", id: "app" },
  metadata: { amount: 5, buyer: "Ana", note: "n" },
  clear_metadata: ["note"],
};
const note = { version: 3, clear: ["amount", "absent"] };
const encode = (event: AuditEvent) => encodePayload(classifyEvent(event, () => "").fields, place);

test("S0-30 pinned: every reader of entries breaks when schema_version is written in another way", () => {
  const text = encode(noted(sent, note));
  expect(text).toBe(
    '{"action":"order.approved","actor":{"id":"app","type":"service"},"domain":"dom","id":"x","metadata":{"amount":5,"note":"n"},"occurred_at":"2026-11-21T09:14:03.221Z","outcome":"success","recorded_at":"2026-11-21T09:14:03.221Z","salt":"00","schema_version":3,"seq":1,"v":1}',
  );
  expect(parsePayload(text)).toMatchObject({ ok: true, payload: { schema_version: 3 } });
  expect(scanPayload(text)).toEqual({ domain: "dom", seq: 1, id: "x" });
});

test("without a schema the bytes are what they always were", () => {
  expect(noted(sent, null)).toBe(sent);
  expect(encode(sent)).not.toContain("schema_version");
});

test("only keys that the event has are marked, and the event itself is not touched", () => {
  const before = structuredClone(sent);
  expect(noted(sent, note).clear_metadata).toEqual(["note", "amount"]);
  expect(sent).toEqual(before);
});

test("what was changed after the note was added loses the note and nothing else", () => {
  const changed = { ...noted(sent, note), metadata: { amount: 6, buyer: "Ana", note: "m" } };
  expect(unnoted(changed, sent, note)).toEqual({ ...sent, metadata: { amount: 6, buyer: "Ana", note: "m" } });
});
