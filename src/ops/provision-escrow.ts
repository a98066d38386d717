/** The escrow file of one provisioning: written before the first secret is put, or opened again by the run that goes on. */
import { existsSync, readFileSync, realpathSync } from "node:fs";
import path from "node:path";
import type { Cell } from "./deploy-config.ts";
import { Refused } from "./deploy-refusal.ts";
import {
  type DeriveKey,
  type EscrowReason,
  openEscrow,
  parseEscrow,
  type Secrets,
  sealEscrow,
  writeNewPrivateFile,
} from "./escrow-file.ts";
import { type AskPassphrase, weaknessOf } from "./escrow-passphrase.ts";
import { isCellSecretValue, makeSecret } from "./provision-secrets.ts";
import type { CellSecret } from "./secrets.ts";

export interface EscrowPorts {
  ask: AskPassphrase;
  random: (byteLength: number) => Uint8Array;
  now: () => Date;
  deriveKey?: DeriveKey;
}

/** A passphrase that was asked for before anything was changed, and the file that it belongs to. */
export interface EscrowPlan {
  file: string;
  reason: EscrowReason;
  passphrase: string;
  exists: boolean;
}

/** Refuses a file or a passphrase that will not do; writes nothing. */
export async function planEscrow(
  { root, file, reason }: { root: string; file: string | undefined; reason: EscrowReason },
  wanted: readonly CellSecret[],
  ports: EscrowPorts,
): Promise<EscrowPlan> {
  if (file === undefined) {
    throw new Refused(
      "ESCROW_NEEDED",
      `${wanted.join(", ")} will be made: say with --escrow FILE where they are kept for you`,
    );
  }
  const folder = path.dirname(path.resolve(file));
  if (!existsSync(folder)) throw new Refused("ESCROW_PLACE", `there is no folder ${folder}`);
  const place = path.relative(realpathSync(root), realpathSync(folder));
  if (!place.startsWith("..") && !path.isAbsolute(place)) {
    throw new Refused("ESCROW_PLACE", `${file} is inside the repository: keep the escrow file where nobody commits it`);
  }
  const exists = existsSync(file);
  const passphrase = await ports.ask(exists ? "open" : "seal");
  const weakness = exists ? null : weaknessOf(passphrase);
  if (weakness !== null) {
    throw new Refused("PASSPHRASE_WEAK", `the passphrase ${weakness}. Six random words are good; nothing was written.`);
  }
  const plan = { file, reason, passphrase, exists };
  // A wrong passphrase or another file is noticed before anything is created.
  if (exists) opened(plan, wanted, ports);
  return plan;
}

/** The values of the wanted secrets, which from here on stand in the escrow file. */
export function escrowed(plan: EscrowPlan, cell: Cell, wanted: readonly CellSecret[], ports: EscrowPorts): Secrets {
  if (!plan.exists) {
    const { jurisdiction, worker } = cell;
    const made = wanted.map(
      (name) => [name, makeSecret(name, jurisdiction, ports.random, cell.tokenAlgorithm)] as const,
    );
    const header = { jurisdiction, worker, reason: plan.reason, createdAt: ports.now().toISOString() };
    const text = sealEscrow(header, Object.fromEntries(made), plan.passphrase, ports.random, ports.deriveKey);
    writeNewPrivateFile(plan.file, text);
  }
  // Also a file that was written this moment: what is put is what the file gives back.
  const secrets = opened(plan, wanted, ports);
  const header = parseEscrow(readFileSync(plan.file, "utf8"))?.header;
  if (header?.jurisdiction !== cell.jurisdiction || header.worker !== cell.worker) {
    throw new Refused("ESCROW_OTHER", `${plan.file} belongs to ${header?.worker}, not to ${cell.worker}`);
  }
  const bad = wanted.find((name) => !isCellSecretValue(name, secrets[name], cell.jurisdiction));
  if (bad) throw new Refused("ESCROW_MALFORMED", `${plan.file}: its ${bad} is of no use to this cell`);
  return secrets;
}

function opened({ file, reason, passphrase }: EscrowPlan, wanted: readonly CellSecret[], ports: EscrowPorts): Secrets {
  const escrow = openEscrow(readFileSync(file, "utf8"), passphrase, ports.deriveKey);
  if (!escrow.ok) throw new Refused(escrow.code, `${file}: ${escrow.detail}`);
  const { secrets, header } = escrow;
  const holds = wanted.every((name) => secrets[name] !== undefined);
  const isItsRotation = reason === "provision" || Object.keys(secrets).join() === wanted.join();
  if (header.reason !== reason || !holds || !isItsRotation) {
    throw new Refused(
      "ESCROW_OTHER",
      `${file} was not written for this (${header.reason}: ${Object.keys(secrets).sort().join(", ")}). It is never overwritten: name another file.`,
    );
  }
  return secrets;
}
