/** Logs that are moved into a domain of a running cell. Runs in workerd. */
import { runInDurableObject } from "cloudflare:test";
import { vi } from "vitest";
import type { ImportRoom } from "../../durable-objects/domain-keeper/import-room.ts";
import type { DomainKeeper } from "../../durable-objects/domain-keeper.ts";
import { cellConfig } from "../../src/services/cell-config.ts";
import { append, call, env, ORIGIN, type TestTenant, workerFetch } from "./cell.ts";
import { exported } from "./exports.ts";

export interface ImportJson {
  status: string;
  from: { origin: string; manifest_sha256: string; first: number; last: number; head: { size: number } } | null;
  progress: { imported: number; total: number | null };
  private_values: { carried: number; left_behind: number } | null;
  refusal: { code: string; detail: string } | null;
}

export const verifierKey = () => cellConfig(env).signer.verifierKey;

/** The announcement that a log moves, and the export of all of it. */
export async function leaving(
  tenant: TestTenant,
  domainId: string,
  to: string,
  wish: object = {},
): Promise<Uint8Array> {
  await append(domainId, [
    { action: "move.announced", actor: { type: "service", id: "test" }, targets: [{ type: "domain", id: to }] },
  ]);
  return exported(tenant, domainId, wish);
}

export function send(
  tenant: Pick<TestTenant, "key">,
  domainId: string,
  archive: Uint8Array,
  { key = verifierKey(), bytes = archive.length } = {},
): Promise<Response> {
  const query = new URLSearchParams({ key, bytes: String(bytes) });
  return workerFetch(`${ORIGIN}/v1/domains/${domainId}/imports?${query}`, {
    method: "POST",
    headers: { Authorization: `Bearer ${tenant.key}`, "Content-Type": "application/zip" },
    body: archive,
  });
}

export async function readImport(tenant: Pick<TestTenant, "key">, domainId: string): Promise<ImportJson | null> {
  const answer = await call(`/v1/domains/${domainId}/imports`, { key: tenant.key });
  return ((await answer.json()) as { imports: ImportJson[] }).imports[0] ?? null;
}

/** Waits for the alarm, and helps it. */
export function untilOver(tenant: Pick<TestTenant, "key">, domainId: string): Promise<ImportJson> {
  return vi.waitFor(
    async () => {
      await inImportRoom(domainId, (room) => room.run());
      const found = await readImport(tenant, domainId);
      if (found?.status !== "done" && found?.status !== "refused") throw new Error(`${found?.status}`);
      return found;
    },
    { timeout: 20_000, interval: 20 },
  );
}

export function inImportRoom<T>(domainId: string, run: (room: ImportRoom) => T | Promise<T>): Promise<T> {
  return runInDurableObject(env.DOMAIN_KEEPER.getByName(domainId), (keeper: DomainKeeper) => run(keeper.imports));
}
