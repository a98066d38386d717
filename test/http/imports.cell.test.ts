/**
 * Logs that are moved: the export of one, made by the cell itself, becomes the beginning of another. Real R2, D1, logs and alarms; every
 * write of the import in both forms of failure, and the object killed between any two steps.
 */
import { evictDurableObject } from "cloudflare:test";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { AppError } from "../../src/core/errors.ts";
import { importPrefix, keptKey } from "../../src/core/moving/keys.ts";
import { ORIGIN_KEY } from "../../src/core/moving/translate.ts";
import { sourceOf } from "../../src/core/zip.ts";
import { verifyMove } from "../../src/verifier/move.ts";
import { append, call, env, event, logOf, newDomain, newTenant, type TestTenant } from "../support/cell.ts";
import { exported, PLATFORM, trusted } from "../support/exports.ts";
import { inImportRoom, leaving, readImport, send, untilOver, verifierKey } from "../support/imports.ts";
import { problemOf } from "../support/problems.ts";
import { entriesOf } from "../support/tenancy.ts";

let old: TestTenant;
let oldDomain: string;
let next: TestTenant;

const events = [
  event({ id: "first", occurred_at: "2020-02-29T12:00:00.000Z", reason: "asked by phone" }),
  event({ actor: { type: "user", id: "usr_7", email: "seven@example.com" }, outcome: "denied" }),
  event({
    on_behalf_of: { type: "user", id: "usr_42" },
    subjects: [{ type: "person", id: "p1", role: "patient" }],
    targets: [{ type: "user", id: "usr_7", name: "Seven" }],
    changes: [{ path: "/status", from: "draft", to: "sent" }],
    context: { ip: "192.0.2.1", request_id: "r-1" },
    caveats: ["max_amount"],
    metadata: { region: "eu", note: "not for everybody" },
    clear_metadata: ["region"],
  }),
];

beforeAll(async () => {
  old = await newTenant("Old");
  oldDomain = await newDomain(old);
  await append(oldDomain, events);
  next = await newTenant("New");
});

/** A domain that waits, and the archive that may go there. */
async function ready(wish: object = {}): Promise<{ domainId: string; archive: Uint8Array }> {
  const domainId = await newDomain(next);
  return { domainId, archive: await leaving(old, oldDomain, domainId, wish) };
}

const moved = (archive: Uint8Array, after: Uint8Array) =>
  verifyMove(sourceOf(archive), sourceOf(after), trusted(), PLATFORM);

describe("S0-25 a log that was moved", () => {
  test("S0-25 begins with domain.imported, then each old entry once, in its order, and both logs prove it together", async () => {
    const { domainId, archive } = await ready();
    expect((await send(next, domainId, archive)).status).toBe(202);
    const over = await untilOver(next, domainId);
    expect(over).toMatchObject({ status: "done", refusal: null });
    const [created, imported, ...entries] = await entriesOf(domainId);
    expect([created?.action, imported?.action]).toEqual(["domain.created", "domain.imported"]);
    const before = await entriesOf(oldDomain);
    expect(imported?.metadata).toMatchObject({
      origin: over.from?.origin,
      key: verifierKey(),
      manifest_sha256: over.from?.manifest_sha256,
      head: { size: over.from?.head.size },
      entries: over.progress.total,
    });
    expect(entries.map(({ metadata }) => (metadata?.[ORIGIN_KEY] as { seq: number }).seq)).toEqual(
      Array.from({ length: over.progress.total ?? -1 }, (_, seq) => seq),
    );
    expect(entries[1]).toMatchObject({
      id: "first",
      action: "invoice.exported",
      occurred_at: "2020-02-29T12:00:00.000Z",
    });
    expect(entries[0]).toMatchObject({ action: "domain.imported_entry" });
    expect(before[1]?.actor).not.toEqual(entries[1]?.actor);
    const report = moved(archive, await exported(next, domainId));
    expect(report.steps.filter(({ status }) => status !== "ok")).toEqual([]);
    expect(report.verdict).toBe("verified");
  });

  test("leaves private values behind unless the export has them, and says how many", async () => {
    const { domainId, archive } = await ready();
    await send(next, domainId, archive);
    const { private_values: values } = await untilOver(next, domainId);
    expect(values?.carried).toBe(0);
    expect(values?.left_behind).toBeGreaterThan(5);
    expect((await entriesOf(domainId)).some((entry) => "private" in entry)).toBe(false);
  });

  test("takes along what the export has in clear, sealed again, under what was committed", async () => {
    const { domainId, archive } = await ready({ include_private: { reason: "the move" } });
    await send(next, domainId, archive);
    const { private_values: values } = await untilOver(next, domainId);
    expect(values?.carried).toBeGreaterThan(5);
    const answer = await call(`/v1/domains/${domainId}/audit/entries/reveal`, {
      key: next.key,
      body: { reason: "a look", from: 0, to: 10 },
    });
    const text = await answer.text();
    if (answer.ok)
      for (const word of ["asked by phone", "seven@example.com", "192.0.2.1"]) expect(text).toContain(word);
    const report = moved(archive, await exported(next, domainId));
    expect(report.verdict).toBe("verified");
  });

  test("keeps the evidence beside the log, without any private value, and nothing of the archive that was sent", async () => {
    const { domainId, archive } = await ready({ include_private: { reason: "the move" } });
    await send(next, domainId, archive);
    const { from } = await untilOver(next, domainId);
    const { objects } = await env.LOG.list({ prefix: importPrefix(domainId) });
    const names = ["checkpoint.txt", "entries-0000000000000000.jsonl", "manifest.json", "manifest.note", "proof.txt"];
    const hash = from?.manifest_sha256 ?? "";
    expect(objects.map(({ key }) => key.replace(/entries-0+/, "entries-0"))).toEqual(
      names.map((name) => keptKey(domainId, hash, name).replace(/entries-0+/, "entries-0")),
    );
    for (const { key } of objects) {
      const text = await (await env.LOG.get(key))?.text();
      for (const word of ["asked by phone", "seven@example.com", "192.0.2.1"]) expect(text).not.toContain(word);
    }
  });

  test("sent again, while it is made and when it is over, adds nothing", async () => {
    const { domainId, archive } = await ready();
    const answers = await Promise.all([send(next, domainId, archive), send(next, domainId, archive)]);
    expect(answers.map(({ status }) => status)).toEqual([202, 202]);
    await untilOver(next, domainId);
    const { size } = await logOf(domainId).head();
    expect((await send(next, domainId, archive)).status).toBe(202);
    await untilOver(next, domainId);
    expect((await logOf(domainId).head()).size).toBe(size);
  });

  test("an archive with values in clear that comes when it is over, the same or another, does not stay", async () => {
    const { domainId, archive } = await ready({ include_private: { reason: "the move" } });
    await send(next, domainId, archive);
    await untilOver(next, domainId);
    const other = await leaving(old, oldDomain, domainId, { include_private: { reason: "the move" } });
    expect((await send(next, domainId, archive)).status).toBe(202);
    expect((await send(next, domainId, other)).status).toBe(409);
    const prefix = `${importPrefix(domainId)}incoming/`;
    await vi.waitFor(async () => expect((await env.LOG.list({ prefix })).objects).toEqual([]), { timeout: 10_000 });
  });

  test("keeps its clients waiting until the old entries are in, and not longer", async () => {
    const { domainId, archive } = await ready();
    await inImportRoom(domainId, (room) => {
      const real = room.deps;
      room.deps = () => {
        const deps = real();
        const keep = async () => {
          throw new AppError("storage.unavailable", { internal: "a test broke it" });
        };
        return { ...deps, store: { ...bound(deps.store), keep } };
      };
    });
    await send(next, domainId, archive);
    await inImportRoom(domainId, (room) => room.run().catch(() => null));
    const path = `/v1/domains/${domainId}/audit/entries`;
    const early = await call(path, { key: next.key, body: event() });
    expect((await problemOf(early, "domain.importing")).status).toBe(409);
    expect(early.headers.get("Retry-After")).toBe("5");
    await evictDurableObject(env.DOMAIN_KEEPER.getByName(domainId));
    await untilOver(next, domainId);
    expect((await call(path, { key: next.key, body: event() })).status).toBe(201);
  });
});

const bound = <T extends object>(store: T): T =>
  new Proxy({} as T, {
    get: (_, name) => (store as never as Record<string | symbol, () => unknown>)[name]?.bind(store),
    ownKeys: () => METHODS,
    getOwnPropertyDescriptor: (_, name) => ({
      value: (store as never as Record<string | symbol, () => unknown>)[name]?.bind(store),
      enumerable: true,
      configurable: true,
    }),
  });
const METHODS = ["archive", "part", "keep", "clear"];

describe("an import that fails on its way", () => {
  const WRITES = ["keep", "clear", "append", "record", "closeToClients", "openToClients"] as const;
  const FORMS = ["failed and not persisted", "failed but persisted"] as const;

  test.each(WRITES.flatMap((name) => FORMS.map((form) => [name, form] as const)))(
    "brings each old entry once although %s has %s, and the object was killed",
    async (name, form) => {
      const { domainId, archive } = await ready();
      const broken = { left: 1 };
      await inImportRoom(domainId, (room) => {
        const real = room.deps;
        room.deps = () => {
          const deps = real();
          const breaking =
            (run: (...args: never[]) => Promise<unknown>) =>
            async (...args: never[]) => {
              if (broken.left-- !== 1) return run(...args);
              if (form === "failed but persisted") await run(...args);
              throw new AppError("storage.unavailable", { internal: `a test broke ${name}` });
            };
          const store = bound(deps.store);
          if (name === "record") return { ...deps, record: breaking(deps.record as never) as never };
          if (name === "keep" || name === "clear")
            return { ...deps, store: { ...store, [name]: breaking(store[name] as never) } };
          return { ...deps, log: { ...deps.log, [name]: breaking(deps.log[name] as never) } };
        };
      });
      await send(next, domainId, archive);
      // By this call, or by an alarm that came before it.
      await inImportRoom(domainId, (room) => room.run().catch(() => undefined));
      expect(broken.left).toBeLessThan(1);
      await evictDurableObject(env.DOMAIN_KEEPER.getByName(domainId));
      const over = await untilOver(next, domainId);
      expect(over).toMatchObject({ status: "done", progress: { imported: over.progress.total } });
      expect(moved(archive, await exported(next, domainId)).verdict).toBe("verified");
    },
  );
});

describe("an import is refused, and nothing is written, when", () => {
  async function refused(tenant: TestTenant, domainId: string, archive: Uint8Array, key?: string) {
    const { size } = await logOf(domainId).head();
    expect((await send(tenant, domainId, archive, key === undefined ? {} : { key })).status).toBe(202);
    const over = await untilOver(tenant, domainId);
    expect(over.status).toBe("refused");
    expect((await logOf(domainId).head()).size).toBe(size);
    expect((await env.LOG.list({ prefix: importPrefix(domainId) })).objects).toEqual([]);
    return over.refusal?.code;
  }

  test("a byte of an entry was altered", async () => {
    const { domainId, archive } = await ready();
    const text = new TextDecoder("latin1").decode(archive);
    const altered = archive.slice();
    const at = text.indexOf("invoice.exported");
    altered[at] = (altered[at] as number) ^ 1;
    expect(await refused(next, domainId, altered)).toBe("not_proved");
    // Then the right one may come.
    await send(next, domainId, archive);
    expect((await untilOver(next, domainId)).status).toBe("done");
  });

  test("its end is missing, or it is no archive at all", async () => {
    const { domainId, archive } = await ready();
    expect(await refused(next, domainId, archive.slice(0, -10))).toBe("not_proved");
    expect(await refused(next, domainId, new TextEncoder().encode("hello"))).toBe("not_proved");
  });

  test("another key signed it than the one that the caller trusts", async () => {
    const { domainId, archive } = await ready();
    const other = "log.example/eu+fbb4a864+AaYV8EGVnVqJPyeeB0njvtkLMTjOTTJ4zzNkBDm9YNWq";
    expect(await refused(next, domainId, archive, other)).toBe("not_proved");
    expect(await refused(next, domainId, archive, "no key")).toBe("not_proved");
  });

  test("its log does not say that it moves here: it is another tenant's, or was meant for another domain", async () => {
    const stranger = await newTenant("Stranger");
    const theirs = await newDomain(stranger);
    const { domainId, archive } = await ready();
    expect(await refused(stranger, theirs, archive)).toBe("not_for_this_domain");
    await send(next, domainId, archive);
    expect((await untilOver(next, domainId)).status).toBe("done");
  });

  test("it has only entries that somebody selected", async () => {
    const { domainId } = await ready();
    expect(await refused(next, domainId, await exported(old, oldDomain, { q: "action:invoice.exported" }))).toBe(
      "not_whole",
    );
  });

  test("the domain has an entry of a client, or another log", async () => {
    const { domainId, archive } = await ready();
    await append(domainId, event());
    expect(await refused(next, domainId, archive)).toBe("not_empty");
    const second = await ready();
    await send(next, second.domainId, second.archive);
    await untilOver(next, second.domainId);
    const again = await leaving(old, oldDomain, second.domainId);
    expect((await problemOf(await send(next, second.domainId, again), "import.exists")).status).toBe(409);
  });

  test("the length that was announced is not that of what came", async () => {
    const { domainId, archive } = await ready();
    for (const bytes of [archive.length + 1, archive.length - 1, 1]) {
      const answer = await send(next, domainId, archive, { bytes });
      expect((await problemOf(answer, "request.invalid")).status).toBe(422);
    }
    expect(await readImport(next, domainId)).toBeNull();
  });
});

test("S0-25 S0-22 there is no in-place move: no route takes a jurisdiction but that which creates a tenant", async () => {
  const domainId = await newDomain(next);
  for (const path of [`/v1/tenants/${next.tenantId}/jurisdiction`, `/v1/tenants/${next.tenantId}/move`]) {
    for (const method of ["POST", "PUT", "PATCH"]) {
      expect((await call(path, { method, key: next.key, body: { jurisdiction: "us" } })).status).toBe(404);
    }
  }
  for (const path of [`/v1/tenants/${next.tenantId}`, `/v1/domains/${domainId}/settings`]) {
    const answer = await call(path, { method: "PATCH", key: next.key, body: { jurisdiction: "us" } });
    expect([409, 422, 428]).toContain(answer.status);
  }
  expect(verifierKey()).toContain("+");
});
