/** Domains with a whole log each; the attacks on all of them while the cell is down; then the cell again, over what is left. */
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { HeadOnFile } from "../../../src/cli/verify/heads.ts";
import { REPOSITORY } from "../../../src/ops/paths.ts";
import { startCells } from "../../storm/support/cell-process.ts";
import { type Head, headOf, untilDrained, untilMirrored } from "../../storm/support/drain.ts";
import { type LocalCell, startLocalCell } from "../../storm/support/local-cell.ts";
import { cellName, type RunPlan } from "../../storm/support/plan.ts";
import { readStoredLog } from "../../storm/support/stored-log.ts";
import { appendCopied, ask, auditUrl, type Domain, event, newDomain, type Receipt } from "../../storm/support/story.ts";
import { EvilArchive } from "../../support/evil/archive.ts";
import { attackLedger, type EvilLedger } from "../../support/evil/ledger.ts";
import { keepCopy } from "../../support/evil/restore.ts";

/** Every log at first: entry 0 and this many of a client. */
export const CLIENT_ENTRIES = 11;
export const SIZE = CLIENT_ENTRIES + 1;
export const SEGMENT_ENTRIES = 4;

const STOPPED_WITHIN_MS = 10_000;

export interface Victim extends Domain {
  head: Head;
  receipts: Receipt[];
}

/** The head as `moonseal verify` remembers it. */
export const remembered = ({ domainId, head }: Victim): HeadOnFile => ({
  version: 1,
  domain: domainId,
  size: head.size,
  entry_hash: head.entry_hash,
  verified_at: "2026-11-21T09:00:00Z",
});

export class CrimeScene {
  readonly state: string;
  /** Of the files as they were when `keepCopy` was called. */
  readonly copy: string;
  readonly #segmentEntries: number;
  #local: LocalCell | null = null;
  url = "";

  constructor(name: string, segmentEntries = SEGMENT_ENTRIES) {
    this.state = path.join(REPOSITORY, ".wrangler/storm/evil", name);
    this.copy = `${this.state}-copy`;
    this.#segmentEntries = segmentEntries;
  }

  async begin(): Promise<void> {
    this.#local = await startLocalCell({ state: this.state, segmentEntries: this.#segmentEntries });
    this.url = this.#local.url;
  }

  /** Domains of one tenant, so that one key opens them all. */
  async victims<K extends string>(names: readonly K[]): Promise<Record<K, Victim>> {
    const victims: [K, Victim][] = [];
    for (const name of names) victims.push([name, await this.victim()]);
    return Object.fromEntries(victims) as Record<K, Victim>;
  }

  async victim(): Promise<Victim> {
    if (!this.#local) throw new Error("the cell has not begun");
    const domain = await newDomain(this.url, this.#local.tenant, this.#segmentEntries);
    const events = Array.from({ length: CLIENT_ENTRIES }, (_, i) =>
      event({ targets: [{ type: "invoice", id: `inv_${i + 1}` }] }),
    );
    const receipts = await appendCopied(this.url, domain, events);
    return { ...domain, head: await untilDrained(this.url, domain, this.#segmentEntries), receipts };
  }

  async append(victim: Victim, count: number): Promise<void> {
    await appendCopied(
      this.url,
      victim,
      Array.from({ length: count }, () => event()),
    );
    await untilDrained(this.url, victim, this.#segmentEntries);
    // Until then an alarm is due, and a restarted object would look at its copies before anybody else does.
    victim.head = await untilMirrored(this.url, victim);
  }

  cron = () => this.#local?.cell.cron(cellName("eu"));

  /** Waits until the copies of what was appended are made. */
  settle = (victim: Victim) => untilDrained(this.url, victim, this.#segmentEntries);

  /** The head once the object has stopped; bounded. */
  async untilStopped(victim: Domain): Promise<Head> {
    const deadline = Date.now() + STOPPED_WITHIN_MS;
    for (;;) {
      const head = await headOf(this.url, victim);
      if (head.status === "stopped") return head;
      if (Date.now() > deadline) throw new Error(`the domain does not stop: ${JSON.stringify(head)}`);
      await sleep(25);
    }
  }

  /** An entry once D1 holds it; bounded. */
  async untilEntry(victim: Domain, seq: number): Promise<{ entry_hash: string }> {
    const deadline = Date.now() + STOPPED_WITHIN_MS;
    for (;;) {
      const page = await ask(`${auditUrl(this.url, victim)}/entries?from=${seq}&to=${seq}`, victim.key);
      if (page.body.entries?.[0]) return page.body.entries[0];
      if (Date.now() > deadline) throw new Error(`entry ${seq} does not come to D1`);
      await sleep(25);
    }
  }

  /** What the archive holds of an entry, read from a copy of its files while the cell runs. */
  archivedPayload(victim: Domain, seq: number): string | undefined {
    keepCopy(this.state, this.copy);
    return readStoredLog(this.copy, victim.domainId).archive.find((line) => line.seq === seq)?.payload;
  }

  async down(): Promise<void> {
    await this.#local?.cell.kill();
  }

  /** A copy of all files, with the cell down meanwhile. */
  async keepCopy(): Promise<void> {
    await this.down();
    keepCopy(this.state, this.copy);
    await this.up();
  }

  async up(): Promise<void> {
    if (!this.#local) throw new Error("the cell has not begun");
    const plan: RunPlan = { state: this.state, cells: [{ name: cellName("eu"), jurisdiction: "eu" }], gateway: false };
    this.#local = { ...this.#local, cell: await startCells(plan) };
    this.url = this.#local.cell.url(cellName("eu"));
  }

  ledger<T>(attack: (ledger: EvilLedger) => T): T {
    return attackLedger(this.state, "eu", attack);
  }

  archive = ({ domainId }: Domain) => new EvilArchive(this.state, domainId);
}
