/** A cell over files on disk with something sealed in every slot that is in use, which can be started again with other secrets. */
import { cpSync, rmSync } from "node:fs";
import path from "node:path";
import { REPOSITORY } from "../../../src/ops/paths.ts";
import { type CellProcess, startCells } from "../../storm/support/cell-process.ts";
import { cellName } from "../../storm/support/plan.ts";
import {
  appendCopied,
  ask,
  auditUrl,
  type Domain,
  expectStatus,
  newDomain,
  newTenant,
  post,
} from "../../storm/support/story.ts";
import { testBindings } from "../../support/bindings.ts";

export type Settings = Record<string, string>;
export const SETTINGS: Settings = testBindings("eu");
export const OPERATOR = testBindings("eu").OPERATOR_SECRET;

/** What opens, by slot; null: it does not. */
export interface Opened {
  subject_identity: unknown;
  contact: unknown;
  network: unknown;
  idp_claims: unknown;
  private_values: unknown[];
  records: unknown;
}

export class SealedCell {
  readonly state: string;
  #cell: CellProcess | null = null;
  url = "";
  tenant = { tenantId: "", key: "" };
  domain: Domain = { domainId: "", key: "" };
  holdId = "";

  constructor(name: string) {
    this.state = path.join(REPOSITORY, ".wrangler/storm/keys", name);
  }

  /** Begins anew, with nothing in the stores. */
  async begin(settings: Settings = SETTINGS): Promise<void> {
    rmSync(this.state, { recursive: true, force: true });
    await this.up(settings);
    this.tenant = await newTenant(this.url, "eu");
    this.domain = await newDomain(this.url, this.tenant, 4);
    await this.append(8);
    const hold = {
      reason: "words of a hold",
      owner: "its owner",
      review_at: "2099-01-01T00:00:00Z",
      scope: { domains: [this.domain.domainId] },
    };
    this.holdId = expectStatus(201, await post(this.#holds, this.tenant.key, hold)).id;
  }

  get #holds(): string {
    return `${this.url}/v1/tenants/${this.tenant.tenantId}/legal-holds`;
  }

  /** Two entries each: about a person, and about nobody. */
  async append(pairs: number, people = pairs): Promise<void> {
    const events = Array.from({ length: pairs }, (_, i) => [
      {
        action: "invoice.exported",
        actor: { type: "user", id: `usr_${i % people}`, email: `u${i % people}@example.org`, idp_claim_names: ["sub"] },
        context: { ip: "203.0.113.9" },
        reason: `person ${i}`,
      },
      { action: "job.run", actor: { type: "service", id: "svc" }, reason: `nobody ${i}` },
    ]).flat();
    for (let from = 0; from < events.length; from += 1000) {
      await appendCopied(this.url, this.domain, events.slice(from, from + 1000));
    }
  }

  async up(settings: Settings): Promise<void> {
    const plan = {
      state: this.state,
      gateway: false,
      cells: [{ name: cellName("eu"), jurisdiction: "eu" as const, settings }],
    };
    this.#cell = await startCells(plan);
    this.url = this.#cell.url(cellName("eu"));
  }

  /** SIGKILL, at any moment. */
  async kill(): Promise<void> {
    await this.#cell?.kill();
    this.#cell = null;
  }

  async again(settings: Settings): Promise<void> {
    await this.kill();
    await this.up(settings);
  }

  /** The stores alone, as another machine has them. */
  async stores(to: string): Promise<SealedCell> {
    await this.kill();
    const copy = new SealedCell(to);
    rmSync(copy.state, { recursive: true, force: true });
    cpSync(this.state, copy.state, { recursive: true });
    Object.assign(copy, { tenant: this.tenant, domain: this.domain, holdId: this.holdId });
    return copy;
  }

  async opened(): Promise<Opened> {
    const body = { reason: "test", from: 1, to: 4 };
    const { entries } = expectStatus(
      200,
      await post(`${auditUrl(this.url, this.domain)}/entries/reveal`, this.tenant.key, body),
    );
    const [person] = entries[0].people;
    const hold = await ask(`${this.#holds}/${this.holdId}`, this.tenant.key);
    return {
      subject_identity: person.identity_id_ref,
      contact: person.email_claim,
      network: person.source_ip,
      idp_claims: person.idp_claim_names,
      private_values: entries.flatMap((entry: { private: { value: unknown }[] }) =>
        entry.private.map(({ value }) => value),
      ),
      records: hold.status === 200 ? hold.body.reason : null,
    };
  }

  operator(method: "GET" | "POST", at: string, body?: object) {
    return method === "GET" ? ask(`${this.url}${at}`, OPERATOR) : post(`${this.url}${at}`, OPERATOR, body);
  }
}
