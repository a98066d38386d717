/** Exports of a running cell: asked for, waited for, fetched, verified. Runs in workerd. */
import { runInDurableObject } from "cloudflare:test";
import { vi } from "vitest";
import type { ExportRoom } from "../../durable-objects/domain-keeper/export-room.ts";
import type { DomainKeeper } from "../../durable-objects/domain-keeper.ts";
import { domainKeeper } from "../../durable-objects/gates.ts";
import { sourceOf } from "../../src/core/zip.ts";
import { sha256 } from "../../src/crypto/sha256.ts";
import { verifyEd25519, verifyMlDsa44 } from "../../src/crypto/verify.ts";
import { cellConfig } from "../../src/services/cell-config.ts";
import { verifyExportZip } from "../../src/verifier/export.ts";
import { policyOfKeys, type TrustPolicy } from "../../src/verifier/policy.ts";
import { call, env, ORIGIN, type TestTenant } from "./cell.ts";

export const PLATFORM = { sha256, verify: verifyEd25519, verifyMlDsa44 };
export const trusted = () => policyOfKeys(sha256, [cellConfig(env).signer.verifierKey]) as TrustPolicy;

export interface ExportJson {
  id: string;
  status: string;
  to: number | null;
  filter: string | null;
  progress: { entries: number; scanned: number; total: number | null };
  bytes: number;
  expires_at: string | null;
  failure: string | null;
  links: { id: string; used_at: string | null; revoked_at: string | null }[];
}

export const keeperOf = (domainId: string) => domainKeeper(env, cellConfig(env), domainId);
export const pathOf = (domainId: string, rest = "") => `/v1/domains/${domainId}/exports${rest}`;

export async function startExport(tenant: TestTenant, domainId: string, body: object = {}): Promise<ExportJson> {
  const answer = await call(pathOf(domainId), { key: tenant.key, body });
  if (answer.status !== 202) throw new Error(`no export: ${answer.status} ${await answer.text()}`);
  return ((await answer.json()) as { export: ExportJson }).export;
}

export async function readExport(tenant: TestTenant, domainId: string, id: string): Promise<ExportJson> {
  return (await (await call(pathOf(domainId, `/${id}`), { key: tenant.key })).json()) as ExportJson;
}

/** Waits for the alarm. */
export function untilStatus(tenant: TestTenant, domainId: string, id: string, wanted = "done"): Promise<ExportJson> {
  return vi.waitFor(
    async () => {
      await inRoom(domainId, (room) => room.run());
      const found = await readExport(tenant, domainId, id);
      if (found.status !== wanted) throw new Error(`${found.status}: ${found.failure}`);
      return found;
    },
    { timeout: 20_000, interval: 20 },
  );
}

export async function newLink(tenant: TestTenant, domainId: string, id: string, body: object = {}) {
  const answer = await call(pathOf(domainId, `/${id}/link`), { key: tenant.key, body });
  if (answer.status !== 201) throw new Error(`no link: ${answer.status} ${await answer.text()}`);
  const { url, ...link } = (await answer.json()) as { id: string; url: string; expires_at: string };
  return { ...link, path: url.slice(ORIGIN.length) };
}

export async function download(path: string, headers: Record<string, string> = {}): Promise<Response> {
  return call(path, { headers });
}

export const verified = (zip: Uint8Array) => verifyExportZip(sourceOf(zip), trusted(), PLATFORM);

/** Makes an export from beginning to end; its bytes. */
export async function exported(tenant: TestTenant, domainId: string, body: object = {}): Promise<Uint8Array> {
  const { id } = await startExport(tenant, domainId, body);
  await untilStatus(tenant, domainId, id);
  const { path } = await newLink(tenant, domainId, id);
  return new Uint8Array(await (await download(path)).arrayBuffer());
}

/** Runs inside the keeper, with what makes its exports. */
export function inRoom<T>(
  domainId: string,
  run: (room: ExportRoom, state: DurableObjectState) => T | Promise<T>,
): Promise<T> {
  return runInDurableObject(env.DOMAIN_KEEPER.getByName(domainId), (keeper: DomainKeeper, state) =>
    run(keeper.exports, state),
  );
}

/** Right bodies of the operations about exports; `exportEntries` also names a domain. */
export const EXPORT_BODIES: Record<string, () => object> = { createExport: () => ({}), linkExport: () => ({}) };
/** What answers without the token of a link. */
export const EXPORT_ANSWERS: Record<string, number> = { downloadExport: 404 };
const ABOUT_ONE = ["readExport", "linkExport", "revokeExport", "revokeExportLink"];

/** An export of its own, with a link, for an operation about one. */
export async function exportFor(
  operationId: string,
  tenant: TestTenant,
  domainId: string,
): Promise<Record<string, string>> {
  if (!ABOUT_ONE.includes(operationId)) return {};
  const { id } = await startExport(tenant, domainId, { from: 0, to: 0 });
  await untilStatus(tenant, domainId, id);
  const link = await newLink(tenant, domainId, id);
  return { exportId: id, linkId: link.id };
}
