/** The recovery drill: what the escrow file holds, on a clean machine, over the stores that are left, is a cell that serves again. */
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { KEY_REGISTRY, SLOT_NAMES, type SlotName } from "../../src/crypto/key-registry.ts";
import { slotSecretName } from "../../src/crypto/slot-keys.ts";
import { openEscrow, sealEscrow, writeNewPrivateFile } from "../../src/ops/escrow-file.ts";
import { makeSecret } from "../../src/ops/provision-secrets.ts";
import { CELL_SECRETS } from "../../src/ops/secrets.ts";
import { type Opened, SealedCell, type Settings } from "./support/sealed-cell.ts";

const PASSPHRASE = "copper lantern orbit thimble quarry moss";
/** What stands in the configuration: no secret. */
const PLAIN = { DO_JURISDICTION: "", UNPINNED_LOCAL: "true", LOG_HOST: "log.test", TOKEN_AUDIENCE: "moonseal-test" };

const folder = mkdtempSync(path.join(tmpdir(), "moonseal-safe-"));
const file = path.join(folder, "eu.escrow.json");
const cell = new SealedCell("drill");
const clean = new SealedCell("drill-clean");
let before: Opened;

beforeAll(async () => {
  const made = CELL_SECRETS.map((name) => [name, makeSecret(name, "eu", (n) => randomBytes(n))]);
  // The operator's credential of the tests: what the story is told with.
  const secrets: Settings = { ...Object.fromEntries(made), OPERATOR_SECRET: operatorOfTests() };
  const header = {
    jurisdiction: "eu",
    worker: "moonseal-cell-eu",
    reason: "provision",
    createdAt: new Date().toISOString(),
  } as const;
  writeNewPrivateFile(
    file,
    sealEscrow(header, secrets, PASSPHRASE, (n) => randomBytes(n)),
  );
  await cell.begin({ ...PLAIN, ...secrets });
  before = await cell.opened();
  Object.assign(clean, await cell.stores("drill-clean"));
});
afterAll(async () => {
  await Promise.all([cell.kill(), clean.kill()]);
  rmSync(folder, { recursive: true, force: true });
});

/** Everything that is known on the clean machine: the file, its passphrase, the configuration. */
function escrowed(): Settings {
  const opened = openEscrow(readFileSync(file, "utf8"), PASSPHRASE);
  if (!opened.ok) throw new Error(opened.detail);
  return { ...PLAIN, ...opened.secrets };
}

describe("the recovery drill", () => {
  test("the escrow file holds a secret for each of the twelve slots and everything else that a cell needs", () => {
    const names = Object.keys(escrowed()).filter((name) => !(name in PLAIN));
    expect(names.sort()).toEqual([...CELL_SECRETS].sort());
    for (const slot of SLOT_NAMES) expect(names).toContain(slotSecretName(slot, 1));
  });

  test("S1-8 a clean cell with what is in the file, and the old stores, opens what was sealed and serves on", async () => {
    expect(JSON.stringify(before)).not.toContain("null");
    await clean.up(escrowed());
    expect(await clean.opened()).toEqual(before);
    await clean.append(2);
    expect(await clean.opened()).toEqual(before);
  });

  const IN_USE: SlotName[] = ["subject_identity", "contact", "network", "idp_claims", "private_values", "records"];

  test.each(IN_USE)("S2-2 S2-3 without the secret of %s exactly its columns are lost", async (slot) => {
    expect(KEY_REGISTRY[slot].columns.length).toBeGreaterThan(0);
    await clean.again({ ...escrowed(), [slotSecretName(slot, 1)]: randomBytes(32).toString("base64") });
    const lost =
      Array.isArray(before[slot as keyof Opened]) && slot === "private_values"
        ? before.private_values.map(() => null)
        : null;
    expect(await clean.opened()).toEqual({ ...before, [slot]: lost });
  });

  test("S2-6 with a secret of a slot missing the cell does not serve at all", async () => {
    const { [slotSecretName("tax_ids", 1)]: _, ...rest } = escrowed();
    await clean.again(rest);
    expect((await clean.operator("GET", "/v1/status/cell")).status).toBe(500);
  });
});

function operatorOfTests(): string {
  return makeSecret("OPERATOR_SECRET", "eu", (n) => new Uint8Array(n).fill(1));
}
