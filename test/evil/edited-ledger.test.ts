/** A1 to A4, A12, A15: rows of D1 changed by its owner, the guards put back afterwards. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ask, auditUrl } from "../storm/support/story.ts";
import { differs, type Row, rechained, rewritten, withForged } from "../support/evil/forge.ts";
import type { EvilLedger } from "../support/evil/ledger.ts";
import { CrimeScene, remembered, SIZE, type Victim } from "./support/crime-scene.ts";
import { contradicts, nextAppend, refuted, server, stranger, VERIFIED, type Verdict } from "./support/verdicts.ts";

interface Attack {
  title: string;
  attack: (ledger: EvilLedger, victim: Victim, rows: Row[], other: Victim) => void;
  finding: Verdict;
}

const K = 5;
const payloadOf = (rows: readonly Row[], seq: number) => rows[seq]?.payload ?? "";
/** The payload of entry K in another spelling, with every hash from there on to match. */
const respelled =
  (change: (payload: string) => string): Attack["attack"] =>
  (ledger, { domainId }, rows) =>
    ledger.replace(domainId, rewritten(rows, K, change));

/** What names itself at its own place, because something there no longer fits. */
const LOCAL: Attack[] = [
  ...[0, 77, 300].map((bit) => ({
    title: `A1 bit ${bit} of a payload`,
    attack: (ledger: EvilLedger, { domainId }: Victim) => ledger.flipBit(domainId, K, "payload", bit * 8 + 1),
    finding: refuted(K, "entry_hash_mismatch"),
  })),
  {
    title: "A1 a bit of an entry hash",
    attack: (ledger, { domainId }) => ledger.flipBit(domainId, K, "entry_hash", 100),
    finding: refuted(K, "entry_hash_mismatch"),
  },
  {
    title: "A1 a bit of a previous hash",
    attack: (ledger, { domainId }) => ledger.flipBit(domainId, K, "prev_hash", 255),
    finding: refuted(K, "prev_hash_mismatch"),
  },
  {
    title: "A1 a bit of an id",
    attack: (ledger, { domainId }) => ledger.flipBit(domainId, K, "id", 3),
    finding: refuted(K, "column_mismatch"),
  },
  {
    title: "A1 a bit of a seq",
    attack: (ledger, { domainId }) => ledger.flipBit(domainId, K, "seq", 20),
    finding: refuted(K, "seq_gap"),
  },
  {
    title: "A1 a bit of a domain id",
    attack: (ledger, { domainId }) => ledger.flipBit(domainId, K, "domain_id", 8 * 20),
    finding: refuted(K, "seq_gap"),
  },
  {
    title: "A1 a bit of entry 0",
    attack: (ledger, { domainId }) => ledger.flipBit(domainId, 0, "payload", 500),
    finding: refuted(0, "entry_hash_mismatch"),
  },
  {
    title: "A1 a bit of the newest entry",
    attack: (ledger, { domainId }) => ledger.flipBit(domainId, SIZE - 1, "payload", 500),
    finding: refuted(SIZE - 1, "entry_hash_mismatch"),
  },
  {
    title: "A2 a row cut out",
    attack: (ledger, { domainId }) => ledger.delete(domainId, K),
    finding: refuted(K, "seq_gap"),
  },
  {
    title: "A2 entry 0 cut out",
    attack: (ledger, { domainId }) => ledger.delete(domainId, 0),
    finding: refuted(0, "seq_gap"),
  },
  {
    title: "A3 two rows that change places",
    attack: (ledger, { domainId }) => ledger.swap(domainId, K, 9),
    finding: refuted(K, "prev_hash_mismatch"),
  },
  {
    title: "A3 two neighbours that change places",
    attack: (ledger, { domainId }) => ledger.swap(domainId, K, K + 1),
    finding: refuted(K, "prev_hash_mismatch"),
  },
  {
    title: "A3 two payloads that change places, with their ids",
    attack: (ledger, { domainId }, rows) => {
      const [a, b] = [rows[K] as Row, rows[9] as Row];
      const swapped = rows.map((row) => (row.seq === K ? { ...row, id: b.id, payload: b.payload } : row));
      ledger.replace(
        domainId,
        swapped.map((row) => (row.seq === 9 ? { ...row, id: a.id, payload: a.payload } : row)),
      );
    },
    finding: refuted(K, "entry_hash_mismatch"),
  },
  {
    title: "A4 a forged row in front, the others as they were but one place further",
    attack: (ledger, { domainId }, rows) => {
      const forged = withForged(rows, K);
      const kept = forged.map((row) => ({
        ...row,
        ...(row.seq > K ? { prevHash: rows[row.seq - 1]?.prevHash ?? "" } : {}),
      }));
      ledger.replace(domainId, kept);
    },
    finding: refuted(K + 1, "prev_hash_mismatch"),
  },
  {
    title: "A12 a row of another domain in the place of one's own",
    attack: (ledger, { domainId }, _, other) => {
      ledger.delete(domainId, K);
      ledger.run("UPDATE audit_log SET domain_id = ? WHERE domain_id = ? AND seq = ?", domainId, other.domainId, K);
    },
    finding: refuted(K, "prev_hash_mismatch"),
  },
  {
    title: "A12 an entry of another domain, chained in with everything after it",
    attack: (ledger, { domainId }, rows, other) => {
      const foreign = ledger.rows(other.domainId)[K] as Row;
      const mixed = rows.map((row) => (row.seq === K ? { ...row, id: foreign.id, payload: foreign.payload } : row));
      ledger.replace(domainId, rechained(mixed, K));
    },
    finding: refuted(K, "foreign_domain"),
  },
  {
    title: "A12 the whole log of another domain",
    attack: (ledger, { domainId }, _, other) => ledger.replace(domainId, ledger.rows(other.domainId)),
    finding: refuted(0, "prev_hash_mismatch"),
  },
  ...Object.entries({
    "a space": (payload: string) => payload.replace(",", ", "),
    "a doubled member": (payload: string) => payload.replace("{", `{"action":"a.b",`),
    "-0": (payload: string) => payload.replace(`"seq":${K}`, `"seq":-0`),
    "1e400": (payload: string) => payload.replace(`"v":1`, `"v":1e400`),
    "2^53 + 1": (payload: string) => payload.replace(`"seq":${K}`, `"seq":9007199254740993`),
    "a number with a fraction of nothing": (payload: string) => payload.replace(`"seq":${K}`, `"seq":${K}.0`),
    "an escape that is not needed": (payload: string) => payload.replace("inv_", "\\u0069nv_"),
    "a lone surrogate": (payload: string) => payload.replace("inv_", "inv_\\ud800"),
    "another order of members": (payload: string) => payload.replace(/^\{("action":"[^"]*"),(.*)\}$/, "{$2,$1}"),
    "a member __proto__ out of its order": (payload: string) => payload.replace(/\}$/, `,"__proto__":{}}`),
  }).map(([what, change]) => ({
    title: `A15 a payload spelled with ${what}, every hash to match`,
    attack: respelled(change),
    finding: refuted(K, "payload_not_canonical"),
  })),
];

/** Whole in itself from the first forged entry on: only the head tells, and it names the newest entry. */
const CONSISTENT: Attack[] = [
  {
    title: "A4 a changed entry with a recomputed suffix",
    attack: (ledger, { domainId }, rows) =>
      ledger.replace(
        domainId,
        rewritten(rows, K, (payload) => payload.replace("inv_5", "inv_6")),
      ),
    finding: refuted(SIZE - 1, "head_mismatch"),
  },
  {
    title: "A4 a forged row with a recomputed suffix",
    attack: (ledger, { domainId }, rows) => ledger.replace(domainId, withForged(rows, K)),
    finding: refuted(SIZE - 1, "head_mismatch"),
  },
  {
    title: "A6 every entry rewritten",
    attack: (ledger, { domainId }, rows) => {
      const renamed = rows.map((row) => ({ ...row, payload: row.payload.replace("inv_", "lie_") }));
      differs(payloadOf(rows, 1), payloadOf(renamed, 1));
      ledger.replace(domainId, rechained(renamed, 0));
    },
    finding: refuted(SIZE - 1, "head_mismatch"),
  },
  {
    title: "A15 NFD for NFC, every hash to match",
    attack: (ledger, { domainId }, rows) =>
      ledger.replace(
        domainId,
        rewritten(rows, K, (payload) => payload.replace("inv_5", "\u00e9").normalize("NFD")),
      ),
    finding: refuted(SIZE - 1, "head_mismatch"),
  },
];

const scene = new CrimeScene("edited-ledger");
const attacks = [...LOCAL, ...CONSISTENT];
let victims: Record<string, Victim> = {};
let other: Victim;
let untouched: Victim;
const victimOf = ({ title }: Attack) => victims[title] as Victim;

beforeAll(async () => {
  await scene.begin();
  victims = await scene.victims(attacks.map(({ title }) => title));
  other = await scene.victim();
  untouched = await scene.victim();
  await scene.down();
  scene.ledger((ledger) => {
    for (const one of attacks) one.attack(ledger, victimOf(one), ledger.rows(victimOf(one).domainId), other);
  });
  await scene.up();
});
afterAll(() => scene.down());

test("a log that nobody touched is verified, by a stranger, by the server and against its remembered head", async () => {
  expect(await stranger(scene.url, untouched)).toEqual(VERIFIED);
  expect(await stranger(scene.url, untouched, remembered(untouched))).toEqual(VERIFIED);
  expect(await server(scene.url, untouched)).toEqual(VERIFIED);
});

for (const attack of LOCAL) {
  test(`${attack.title} is named by its seq, by a stranger and by the server`, async () => {
    expect(await stranger(scene.url, victimOf(attack))).toEqual(attack.finding);
    expect(await server(scene.url, victimOf(attack))).toEqual(attack.finding);
  });
}

describe("a rewritten suffix is whole in itself, so the head names the newest entry, not the first forged one", () => {
  for (const attack of CONSISTENT) {
    test(`${attack.title}: refuted at the head, contradicts a remembered head, and the object stops before it appends`, async () => {
      const victim = victimOf(attack);
      expect(await stranger(scene.url, victim)).toEqual(attack.finding);
      expect(await server(scene.url, victim)).toEqual(attack.finding);
      const seen = await stranger(scene.url, victim, remembered(victim));
      expect(seen).toEqual(contradicts(SIZE - 1, "head_mismatch"));
      expect(await nextAppend(scene.url, victim)).toMatch(/^domain\.stopped: .*(ledger|set back)/);
    });
  }

  test("the receipts of the time before name the first forged entry", async () => {
    const victim = victimOf(CONSISTENT[0] as Attack);
    const page = await ask(`${auditUrl(scene.url, victim)}/entries`, victim.key);
    const hashes = (page.body.entries as { entry_hash: string }[]).map(({ entry_hash }) => entry_hash);
    expect(victim.receipts.find(({ seq, entry_hash }) => hashes[seq] !== entry_hash)?.seq).toBe(K);
  });
});
