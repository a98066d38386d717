/** Exports against their description: what every answer about one looks like, and the forms that a machine reads. */
import { expect, test } from "vitest";
import { readZip, sourceOf } from "../../src/core/zip.ts";
import { operationsOf } from "../../src/http/document/schema.ts";
import { describedApi } from "../../src/http/openapi.ts";
import { append, call, event, newDomain, newTenant, ORIGIN } from "../support/cell.ts";
import { download, exported, pathOf, untilStatus, verified } from "../support/exports.ts";
import { faultsOf } from "../support/fuzz/judge.ts";

const { document } = describedApi();

test("S2-25: every answer about an export is as the description says, right or wrong, and its list is JSON whose payloads are those of the lines", async () => {
  const tenant = await newTenant();
  const { key } = tenant;
  const domainId = await newDomain(tenant);
  await append(domainId, [
    event({ metadata: { note: "=1+1", big: 9007199254740991 }, clear_metadata: ["note", "big"] }),
  ]);
  const bodies = new Map<string, unknown>();
  const ask = async (operationId: string, path: string, asked: Parameters<typeof call>[1], status: number) => {
    const described = operationsOf(document).find(({ operation }) => operation.operationId === operationId);
    if (!described) throw new Error(operationId);
    const answer = await call(path, asked);
    expect(answer.status, operationId).toBe(status);
    bodies.set(operationId, await answer.clone().json());
    expect(await faultsOf(answer, described.operation, document), operationId).toEqual([]);
  };
  const whole = { domain_id: domainId, formats: ["json", "csv"] };
  await ask("exportEntries", "/v1/audit/export", { key, body: whole }, 202);
  for (const body of [
    { ...whole, format: "json" },
    { ...whole, formats: ["xml"] },
    { ...whole, expires_in: "1" },
    [],
  ]) {
    await ask("exportEntries", "/v1/audit/export", { key, body }, 422);
  }
  await ask("createExport", pathOf(domainId), { key, body: {} }, 202);
  const { id } = (bodies.get("createExport") as { export: { id: string } }).export;
  await ask("linkExport", pathOf(domainId, `/${id}/link`), { key, body: { expires_in: 0 } }, 422);
  await ask("readExport", pathOf(domainId, `/${id}`), { key }, 200);
  await untilStatus(tenant, domainId, id);
  await ask("readExport", pathOf(domainId, `/${id}`), { key }, 200);
  await ask("linkExport", pathOf(domainId, `/${id}/link`), { key, body: {} }, 201);
  await ask("listExports", pathOf(domainId), { key }, 200);
  await ask("revokeExport", pathOf(domainId, `/${id}`), { key, method: "DELETE" }, 200);

  const { exports } = bodies.get("listExports") as { exports: { id: string; formats: string[] }[] };
  const rich = exports.find(({ formats }) => formats.includes("csv"))?.id ?? "";
  await untilStatus(tenant, domainId, rich);
  await ask("linkExport", pathOf(domainId, `/${rich}/link`), { key, body: {} }, 201);
  const url = (bodies.get("linkExport") as { url: string }).url.slice(ORIGIN.length);
  const zip = new Uint8Array(await (await download(url)).arrayBuffer());
  const read = readZip(sourceOf(zip), 100);
  const textOf = (ending: string) => {
    const file = read.ok ? read.files.find(({ name }) => name.startsWith("entries-") && name.endsWith(ending)) : null;
    return new TextDecoder().decode(zip.subarray(file?.start, (file?.start ?? 0) + (file?.bytes ?? 0)));
  };
  const list = JSON.parse(textOf(".json")) as { entries: { payload: unknown; entry_hash: string }[] };
  const lines = textOf(".jsonl").trimEnd().split("\n");
  expect(list.entries.map(({ payload }) => payload)).toEqual(lines.map((line) => JSON.parse(line)));
  expect(textOf(".csv").trimEnd().split("\r\n")).toHaveLength(lines.length + 1);
});

test("S3-31: JSON and CSV of an export are signed: the log's key signs the manifest that names their hash, and one changed byte of either shows", async () => {
  const tenant = await newTenant();
  const domainId = await newDomain(tenant);
  await append(domainId, event());
  const zip = await exported(tenant, domainId, { formats: ["json", "csv"] });
  const statusOf = (bytes: Uint8Array, step: string) =>
    verified(bytes).steps.find((each) => each.step === step)?.status;
  expect([statusOf(zip, "manifest"), statusOf(zip, "files"), statusOf(zip, "forms")]).toEqual(["ok", "ok", "ok"]);
  const read = readZip(sourceOf(zip), 100);
  for (const ending of [".json", ".csv"]) {
    const file = read.ok ? read.files.find(({ name }) => name.startsWith("entries-") && name.endsWith(ending)) : null;
    const changed = zip.slice();
    const at = (file?.start ?? 0) + (file?.bytes ?? 0) - 3;
    changed[at] = (changed[at] ?? 0) ^ 1;
    expect(verified(changed).verdict, ending).toBe("refuted");
  }
});
