/** Provisioning as an operator runs it, over doubles; and what has to be true afterwards. */
import { createHash, randomBytes } from "node:crypto";
import { existsSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { expect } from "vitest";
import type { Jurisdiction } from "../../../src/core/ids.ts";
import { type DeriveKey, openEscrow } from "../../../src/ops/escrow-file.ts";
import { provision } from "../../../src/ops/provision.ts";
import { CELL_SECRETS } from "../../../src/ops/secrets.ts";
import { CONTROL_GUARDS, guardsMissing, LEDGER_GUARDS, TRIGGERS_SQL } from "../../../src/storage/guards.ts";
import type { Account } from "./account.ts";
import type { Deployment } from "./deployment.ts";
import type { WranglerDouble } from "./wrangler-double.ts";

export const PASSPHRASE = "copper lantern orbit thimble quarry moss";
export const READ_BACK_AT = "2026-11-21T12:00:00.000Z";

/** Fast, and still different for every salt. */
export const fastKey: DeriveKey = (passphrase, salt) => createHash("sha256").update(passphrase).update(salt).digest();

export interface Run {
  argv?: string[];
  passphrase?: string;
  jurisdiction?: Jurisdiction;
}

/** Resolves to the exit code; rejects when the double crashes. */
export function provisionIn(deployment: Deployment, wrangler: WranglerDouble, run: Run = {}): Promise<number> {
  const { argv = ["--escrow", escrowFile(deployment)], passphrase = PASSPHRASE, jurisdiction = "eu" } = run;
  return provision(["--jurisdiction", jurisdiction, "--root", deployment.root, ...argv], {
    run: wrangler.run,
    ask: async () => passphrase,
    random: (byteLength) => randomBytes(byteLength),
    now: () => new Date(READ_BACK_AT),
    deriveKey: fastKey,
  });
}

export function escrowFile({ safe }: Deployment, name = "eu.escrow.json"): string {
  return path.join(safe, name);
}

export function openedEscrow(file: string, passphrase = PASSPHRASE) {
  const opened = openEscrow(readFileSync(file, "utf8"), passphrase, fastKey);
  if (!opened.ok) throw new Error(opened.detail);
  return opened;
}

/** The whole promise of provisioning, read from the account and the files. */
export function expectProvisioned(deployment: Deployment, account: Account, jurisdiction: Jurisdiction = "eu"): void {
  const [control, ledger] = ["control", "ledger-00"].map((name) =>
    account.database(`moonseal-${name}-${jurisdiction}`),
  );
  expect(account.databases.map(({ jurisdiction }) => jurisdiction)).toEqual([jurisdiction, jurisdiction]);
  expect(account.buckets.map(({ name, jurisdiction }) => `${name} ${jurisdiction}`).sort()).toEqual([
    `moonseal-keys-${jurisdiction} ${jurisdiction}`,
    `moonseal-log-${jurisdiction} ${jurisdiction}`,
  ]);
  for (const database of [control, ledger]) {
    expect(deployment.config(jurisdiction)).toContain(
      `database_name = "${database?.name}"\ndatabase_id = "${database?.uuid}"\n`,
    );
  }
  const triggers = (name: string) => account.query(name, TRIGGERS_SQL)[0]?.results as { name: string; sql: string }[];
  expect(guardsMissing(CONTROL_GUARDS, triggers(control?.uuid ?? ""))).toEqual([]);
  expect(guardsMissing(LEDGER_GUARDS, triggers(ledger?.uuid ?? ""))).toEqual([]);
  const rows = account.query(control?.uuid ?? "", "SELECT * FROM provisioned_resource ORDER BY resource");
  expect(rows[0]?.results).toEqual(
    ["CONTROL", "KEYS", "LEDGER_00", "LOG"].map((resource) => ({ resource, jurisdiction, read_back_at: READ_BACK_AT })),
  );
  const file = escrowFile(deployment);
  expect(existsSync(file)).toBe(true);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const secrets = account.secretsOf(`moonseal-cell-${jurisdiction}`);
  expect([...secrets.keys()].sort()).toEqual([...CELL_SECRETS].sort());
  expect(openedEscrow(file).secrets).toEqual(Object.fromEntries(secrets));
}
