/** Exports with private values: who may, what tells of it, what proves it; and what an erasure before, during and after leaves. */
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { AppError } from "../../src/core/errors.ts";
import { exportKey } from "../../src/core/export/key.ts";
import { LIMITS } from "../../src/core/limits.ts";
import { readZip, sourceOf } from "../../src/core/zip.ts";
import { runExports } from "../../src/services/exports/run.ts";
import type { ExportStore } from "../../src/services/ports.ts";
import { alarmLater, append, call, env, logOf, newDomain, newTenant, type TestTenant } from "../support/cell.ts";
import { erase, eventAbout } from "../support/erasure.ts";
import {
  download,
  inRoom,
  newLink,
  pathOf,
  readExport,
  startExport,
  untilStatus,
  verified,
} from "../support/exports.ts";
import { FAULT_FORMS } from "../support/faults.ts";
import { problemOf } from "../support/problems.ts";
import { entriesOf } from "../support/tenancy.ts";

const REASON = "audit of the year, matter 4711";
const wish = { include_private: { reason: REASON }, formats: ["ndjson", "csv"] };

let tenant: TestTenant;
let domainId: string;

beforeAll(async () => {
  tenant = await newTenant();
});
beforeEach(async () => {
  domainId = await newDomain(tenant);
  await append(domainId, [eventAbout("usr_1"), eventAbout("usr_2"), eventAbout("usr_1"), eventAbout("usr_3")]);
});

async function fileOf(id: string): Promise<Uint8Array> {
  const { path } = await newLink(tenant, domainId, id);
  return new Uint8Array(await (await download(path)).arrayBuffer());
}

const textOf = (zip: Uint8Array) => new TextDecoder().decode(zip);
const stepsOf = (zip: Uint8Array) =>
  Object.fromEntries(verified(zip).steps.map(({ step, status }) => [step, status] as const));

async function done(body: object = wish): Promise<string> {
  const { id } = await startExport(tenant, domainId, body);
  await untilStatus(tenant, domainId, id);
  return id;
}

describe("an export with private values", () => {
  test("has every value that can be read, and each is verified against its commitment", async () => {
    const zip = await fileOf(await done());
    expect(verified(zip).verdict).toBe("verified");
    expect(stepsOf(zip)).toMatchObject({ disclosures: "ok", entries: "ok", forms: "ok" });
    for (const id of ["usr_1", "usr_2", "usr_3"]) expect(textOf(zip)).toContain(`${id}@example.com`);
  });

  test("is refuted when one value in it was changed", async () => {
    const zip = await fileOf(await done());
    const found = readZip(sourceOf(zip), 100);
    const file = found.ok ? found.files.find(({ name }) => name.startsWith("disclosures-")) : undefined;
    const at = textOf(zip.subarray(file?.start)).indexOf("usr_2@example.com");
    expect(at).toBeGreaterThan(0);
    zip[(file?.start ?? 0) + at] = "x".charCodeAt(0);
    expect(verified(zip).verdict).toBe("refuted");
    expect(stepsOf(zip)).toMatchObject({ disclosures: "failed" });
  });

  test("of a selection has the values of what was selected, and no other", async () => {
    const zip = await fileOf(await done({ ...wish, filter: { subjects: ["usr_2"] } }));
    expect(stepsOf(zip)).toMatchObject({ disclosures: "ok", inclusion: "ok" });
    expect(textOf(zip)).toContain("usr_2@example.com");
    expect(textOf(zip)).not.toContain("usr_1@example.com");
  });

  test("without asking for them there is none", async () => {
    const zip = await fileOf(await done({}));
    expect(textOf(zip)).not.toContain("@example.com");
    expect(stepsOf(zip)).not.toHaveProperty("disclosures");
  });

  test("is an entry of the log with the reason sealed, before anything is opened; the reason stands nowhere in clear", async () => {
    await inRoom(domainId, (room) => {
      room.run = async () => null;
    });
    const { id } = await startExport(tenant, domainId, wish);
    const told = (await entriesOf(domainId)).filter(({ action }) => action === "audit.revealed");
    expect(told).toMatchObject([
      { metadata: { export_id: id, seqs: [[0, 4]] }, private: { "/reason": expect.any(String) } },
    ]);
    expect(JSON.stringify(told)).not.toContain(REASON);
    const kept = await inRoom(domainId, (room) => JSON.stringify(room.deps().book.all()));
    expect(kept).toContain(id);
    expect(kept).not.toContain(REASON);
  });

  test("needs the permission to reveal, and says so", async () => {
    const body = { name: "exporter", permissions: ["export.create", "export.read", "entry.read"] };
    const made = await call(`/v1/tenants/${tenant.tenantId}/keys`, { key: tenant.key, body });
    const { key } = (await made.json()) as { key: string };
    const problem = await problemOf(await call(pathOf(domainId), { key, body: wish }), "auth.forbidden");
    expect(JSON.stringify(problem)).toContain("entry.reveal");
    expect((await call(pathOf(domainId), { key, body: {} })).status).toBe(202);
    expect((await entriesOf(domainId)).filter(({ action }) => action === "audit.revealed")).toEqual([]);
  });
});

describe("erasure (FAULTS P6)", () => {
  test("before an export: nothing of theirs is in it, and what is of others is", async () => {
    await erase(domainId, "usr_1");
    const zip = await fileOf(await done());
    expect(verified(zip).verdict).toBe("verified");
    expect(textOf(zip)).not.toContain("usr_1");
    expect(textOf(zip)).toContain("usr_2@example.com");
  });

  test("while an export is made, after any of its steps: nothing of theirs is in it", async () => {
    let underWay = 0;
    for (let steps = 1; steps < 5; steps++) {
      const person = `usr_late_${steps}`;
      await append(domainId, eventAbout(person));
      // One piece a run.
      let later = 0;
      await inRoom(domainId, (room) => {
        const real = Object.getPrototypeOf(room).run as () => Promise<number | null>;
        expect(real).toBeTypeOf("function");
        room.run = async () => null;
      });
      const piece = () =>
        inRoom(domainId, (room) =>
          runExports({
            ...room.deps(),
            clock: () => {
              later += LIMITS.exportStepMs * 0.8;
              return Date.now() + later;
            },
          }),
        );
      const { id } = await startExport(tenant, domainId, wish);
      for (let i = 0; i < steps; i++) await piece();
      if ((await readExport(tenant, domainId, id)).status === "running") underWay++;
      await erase(domainId, person);
      for (let i = 0; i < 20 && !["done", "revoked"].includes((await readExport(tenant, domainId, id)).status); i++)
        await piece();
      const { status } = await readExport(tenant, domainId, id);
      if (status === "revoked") {
        // It was finished already.
        expect(await env.LOG.head(exportKey(domainId, id))).toBeNull();
        continue;
      }
      const zip = await fileOf(id);
      expect(verified(zip).verdict).toBe("verified");
      expect(textOf(zip)).not.toContain(person);
      expect(textOf(zip)).toContain("usr_2@example.com");
    }
    expect(underWay).toBeGreaterThan(1);
  });

  test("after an export: its file and its links are gone, and the certificate counts it; others stay", async () => {
    const [id, other] = [await done(), await done({})];
    const { path } = await newLink(tenant, domainId, id);
    expect((await download(path)).status).toBe(200);
    const { erasure } = await erase(domainId, "usr_1");
    expect(await env.LOG.head(exportKey(domainId, id))).toBeNull();
    await problemOf(await download(path), "resource.not_found");
    expect((await readExport(tenant, domainId, id)).status).toBe("revoked");
    expect(textOf(await fileOf(other))).not.toContain("@example.com");
    const certificate = await logOf(domainId).erasureCertificate(erasure.id);
    expect(certificate).toContain('"count":1,"method":"files deleted","store":"R2 LOG: exports with private values"');
  });

  test.each(FAULT_FORMS)("is not finished while such a file may be there (its deletion fails: %s)", async (form) => {
    const id = await done();
    let broken = 1;
    await inRoom(domainId, (room) => {
      const real = room.deps;
      room.deps = () => {
        const deps = real();
        const remove: ExportStore["delete"] = async (key) => {
          if (broken > 0) {
            if (form === "answer_lost") await deps.store.delete(key);
            throw new AppError("storage.unavailable", { internal: "a test broke delete" });
          }
          return deps.store.delete(key);
        };
        const { store } = deps;
        const bound = {
          begin: store.begin,
          putPart: store.putPart,
          complete: store.complete,
          size: store.size,
          abort: store.abort,
        };
        const kept = Object.fromEntries(
          Object.entries(bound).map(([name, each]) => [name, (each as (...a: never[]) => unknown).bind(store)]),
        );
        return { ...deps, store: { ...kept, delete: remove } as unknown as ExportStore };
      };
    });
    const { erasure } = await erase(domainId, "usr_1");
    if (form !== "answer_lost") {
      expect(erasure.status).toBe("finishing");
      await expect(logOf(domainId).erasureCertificate(erasure.id)).rejects.toThrow();
    }
    // Whoever asks for it: the link died before the file.
    expect((await readExport(tenant, domainId, id)).status).toBe("revoked");
    broken = 0;
    await alarmLater(domainId);
    expect((await logOf(domainId).erasure(erasure.id)).status).not.toBe("finishing");
    expect(await env.LOG.head(exportKey(domainId, id))).toBeNull();
  });
});
