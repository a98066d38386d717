/**
 * `npm run ops -- provision`: everything that one cell needs in the account, pinned and read back (S0-24, S2-6).
 *
 * Order, with the crash after each step. A command that fails is treated the same way: what the account has is read back, and
 * a second run with the same options goes on.
 *  1. look at databases, buckets, secrets       nothing changed; whatever is not pinned here refuses the whole run
 *  2. passphrase asked and judged               nothing changed
 *  3. each missing database and bucket          the next run finds it by its name and reads its jurisdiction back
 *  4. database_id into wrangler.<j>.toml        the file changes in one step; the next run finds the id, or the name again
 *  5. escrow file, through to the disk          no secret was put yet: the next run opens the file and uses what it holds
 *  6. each missing secret, from that file       the next run puts the rest; one that exists is never replaced
 *  7. migrations                                wrangler notes each file; the next run goes on
 *  8. provisioned_resource in control           the next run reads everything back again and writes it again
 */
import { randomBytes } from "node:crypto";
import { fromBase64 } from "../core/bytes.ts";
import { cosigner } from "../crypto/cosigner.ts";
import { mlDsaVerifierKey } from "../crypto/ml-dsa-cosigner.ts";
import { noteSigner } from "../crypto/signer.ts";
import { accountWrangler, type RunAccount, saidBy } from "./deploy-account.ts";
import { type Cell, cellOf, readConfigurations } from "./deploy-config.ts";
import { remoteRows, secretNames } from "./deploy-readback.ts";
import { Refused } from "./deploy-refusal.ts";
import type { Secrets } from "./escrow-file.ts";
import { passphraseFrom } from "./escrow-passphrase.ts";
import { isolationFaults } from "./isolation.ts";
import { migrate } from "./migrate.ts";
import { writeDatabaseId } from "./provision-config.ts";
import { type EscrowPorts, escrowed, planEscrow } from "./provision-escrow.ts";
import { PROVISION_HELP, type ProvisionOptions, parseProvisionOptions } from "./provision-options.ts";
import { answered, createBucket, createDatabase, type Found, findBucket, findDatabase } from "./provision-resources.ts";
import { notRotated, ROTATION_COST } from "./provision-secrets.ts";
import { type CellSecret, missingSecrets } from "./secrets.ts";

export interface ProvisionPorts extends EscrowPorts {
  run: RunAccount;
}

/** Resolves to the exit code; what it has to say goes to `console`, never a secret. */
export async function provision(argv: string[], ports?: ProvisionPorts): Promise<number> {
  let options: ProvisionOptions | null;
  try {
    options = parseProvisionOptions(argv);
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${PROVISION_HELP}`);
    return 2;
  }
  if (!options) {
    console.log(PROVISION_HELP);
    return 0;
  }
  try {
    return await provisionCell(options, ports ?? processPorts(options));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    console.error(error.message);
    return 1;
  }
}

function processPorts({ root, passphraseFile }: ProvisionOptions): ProvisionPorts {
  return {
    run: accountWrangler(root),
    ask: passphraseFrom(passphraseFile),
    random: (byteLength) => randomBytes(byteLength),
    now: () => new Date(),
  };
}

async function provisionCell(options: ProvisionOptions, ports: ProvisionPorts): Promise<number> {
  const { run } = ports;
  const { root, jurisdiction } = options;
  const cell = provisionable(options);

  const found = await look(run, cell);
  const wanted = await secretsToPut(run, cell, options.rotate);
  if (options.dryRun) return announce(cell, found, wanted);
  const reason = options.rotate ? "rotate" : "provision";
  const plan = wanted.length > 0 ? await planEscrow({ root, file: options.escrow, reason }, wanted, ports) : null;

  const resources = await createMissing(run, cell, found);
  const readBackAt = ports.now().toISOString();
  for (const { binding, id } of resources) if (id !== undefined) writeDatabaseId(cell.config, binding, id);

  if (plan) {
    const secrets = escrowed(plan, cell, wanted, ports);
    console.log(`escrow     ${plan.file}: opens, holds ${wanted.join(", ")}`);
    await putSecrets(run, cell, wanted, secrets, options.rotate !== undefined);
    sayPublicKeys(cell, secrets);
  }
  const migrated = await migrate(["--jurisdiction", jurisdiction, "--remote", "--root", root], async (_, args) => {
    const { code, stdout, stderr } = await run(args);
    return { code, output: stdout + stderr };
  });
  if (migrated !== 0) return migrated;
  await record(run, cell, resources, readBackAt);
  console.log(`\nThe cell ${jurisdiction} is provisioned. Commit ${cell.config}; then: npm run ops -- deploy`);
  return 0;
}

/** The cell, once its configuration keeps to itself. */
function provisionable({ root, jurisdiction }: ProvisionOptions): Cell {
  const configurations = readConfigurations(root);
  const [fault] = isolationFaults(configurations);
  if (fault !== undefined) throw new Refused("CELLS_CROSS", `${fault}. Correct the wrangler configuration first.`);
  return cellOf(root, jurisdiction, configurations[jurisdiction]);
}

type Resources = Map<string, Found | null>;

/** Every resource before anything is created, so that one that does not fit refuses all of it. */
async function look(run: RunAccount, cell: Cell): Promise<Resources> {
  const found: Resources = new Map();
  for (const database of cell.databases) found.set(database.binding, await findDatabase(run, cell, database));
  for (const bucket of cell.buckets) found.set(bucket.binding, await findBucket(run, cell, bucket));
  return found;
}

async function secretsToPut(run: RunAccount, cell: Cell, rotate: CellSecret | undefined): Promise<CellSecret[]> {
  const present = answered(await secretNames(run, cell.config));
  const missing = missingSecrets(present);
  if (rotate === undefined) return missing;
  const reason = notRotated(rotate);
  if (reason) throw new Refused("SECRET_NOT_ROTATED", `${rotate} ${reason}`);
  if (missing.length > 0) {
    throw new Refused(
      "SECRET_MISSING",
      `${missing.join(", ")}: provision the cell before you rotate one of its secrets`,
    );
  }
  return [rotate];
}

function announce({ jurisdiction, config }: Cell, found: Resources, wanted: readonly CellSecret[]): number {
  for (const [binding, resource] of found) {
    console.log(resource ? `${binding}: ${resource.name} is there, ${jurisdiction}` : `${binding}: would be created`);
  }
  console.log(`ids of the databases would stand in ${config}`);
  if (wanted.length > 0) console.log(`escrow, then secrets: ${wanted.join(", ")}`);
  console.log("then migrations, and the record of what was read back");
  return 0;
}

async function createMissing(run: RunAccount, cell: Cell, found: Resources): Promise<Found[]> {
  const resources: Found[] = [];
  const add = (resource: Found, how: string) => {
    resources.push(resource);
    console.log(
      `${resource.binding.padEnd(10)} ${resource.name}: ${how}, ${cell.jurisdiction} by the account's own word`,
    );
  };
  for (const database of cell.databases) {
    const there = found.get(database.binding);
    add(there ?? (await createDatabase(run, cell, database)), there ? "found" : "created");
  }
  for (const bucket of cell.buckets) {
    const there = found.get(bucket.binding);
    add(there ?? (await createBucket(run, cell, bucket)), there ? "found" : "created");
  }
  return resources;
}

async function putSecrets(
  run: RunAccount,
  cell: Cell,
  names: readonly CellSecret[],
  secrets: Secrets,
  replacing: boolean,
): Promise<void> {
  for (const name of names) {
    const ran = await run(["secret", "put", name, "-c", cell.config], secrets[name]);
    // A replaced secret cannot be told from the old one: only a success counts.
    const there = ran.code === 0 || (!replacing && answered(await secretNames(run, cell.config)).includes(name));
    if (!there) {
      const said = saidBy(ran).replaceAll(secrets[name] ?? name, "…");
      throw new Refused("SECRET_FAILED", `${name} was not put. Run it again, the same way.\n${said}`);
    }
    console.log(`secret     ${name}: put${replacing ? `; ${ROTATION_COST[name]}` : ""}`);
  }
}

/** What auditors and other cells pin: public, and the same for as long as the log host and these secrets are. */
function sayPublicKeys({ logHost, jurisdiction }: Cell, secrets: Secrets): void {
  const say = (what: string, secret: string | undefined, verifierKeyOf: (seed: Uint8Array) => string) => {
    const seed = secret === undefined ? null : fromBase64(secret);
    if (seed) console.log(`${what.padEnd(10)} ${verifierKeyOf(seed)} (public)`);
  };
  const witness = `${logHost}/witness-${jurisdiction}`;
  say("log key", secrets.LOG_SIGNING_KEY, (seed) => noteSigner(`${logHost}/${jurisdiction}`, seed).verifierKey);
  say("witness", secrets.WITNESS_SIGNING_KEY, (seed) => cosigner(witness, seed).verifierKey);
  say("witness", secrets.WITNESS_ML_DSA_KEY, (seed) => mlDsaVerifierKey(witness, seed));
}

async function record(run: RunAccount, cell: Cell, resources: readonly Found[], readBackAt: string): Promise<void> {
  const rows = resources.map(({ binding }) => `('${binding}', '${cell.jurisdiction}', '${readBackAt}')`);
  const sql = [
    "INSERT INTO provisioned_resource (resource, jurisdiction, read_back_at)",
    `VALUES ${rows.join(", ")}`,
    "ON CONFLICT (resource) DO UPDATE SET jurisdiction = excluded.jurisdiction, read_back_at = excluded.read_back_at",
    "RETURNING resource",
  ];
  const written = answered(await remoteRows<{ resource: string }>(run, cell, "CONTROL", sql.join(" ")));
  if (written.length !== rows.length) throw new Refused("RECORD_FAILED", "control did not record what was read back");
  console.log(`recorded   ${resources.map(({ binding }) => binding).join(", ")}: ${cell.jurisdiction}, ${readBackAt}`);
}
