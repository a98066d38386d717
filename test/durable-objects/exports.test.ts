/**
 * Exports under failure: every write of the making in both forms (failed and not persisted; failed but persisted), the object killed
 * between any two steps, two runs at once, and whatever is withdrawn while it is being made. Real R2, SQLite and logs.
 */
import { evictDurableObject } from "cloudflare:test";
import { beforeAll, describe, expect, test } from "vitest";
import { AppError } from "../../src/core/errors.ts";
import { exportKey } from "../../src/core/export/key.ts";
import { LIMITS } from "../../src/core/limits.ts";
import { EXPORT_BOUNDS } from "../../src/services/exports/deps.ts";
import type { DeskDeps } from "../../src/services/exports/desk.ts";
import { runExports } from "../../src/services/exports/run.ts";
import { exportStep } from "../../src/services/exports/step.ts";
import type { ExportStore } from "../../src/services/ports.ts";
import { append, call, env, event, newDomain, newTenant, type TestTenant } from "../support/cell.ts";
import { download, inRoom, newLink, pathOf, readExport, startExport, verified } from "../support/exports.ts";
import { placeHold, releaseHold } from "../support/holds.ts";
import { problemOf } from "../support/problems.ts";
import { entriesOf } from "../support/tenancy.ts";

type Deps = Omit<DeskDeps, "settle">;
type Write = "begin" | "putPart" | "complete" | "delete" | "abort";
const FORMS = ["failed and not persisted", "failed but persisted"] as const;
const ENTRIES = 300;
/** Several groups and, of some 14 KB an entry, parts: R2 takes none but the last below 5 MiB. */
const BOUNDS = { entries: 70, payloadBytes: 4_000_000, scanEntries: 50, partBytes: EXPORT_BOUNDS.partBytes };

let tenant: TestTenant;
let domainId: string;
let hours = 0;

beforeAll(async () => {
  tenant = await newTenant();
  domainId = await newDomain(tenant);
  const big = (i: number) => event({ metadata: { pad: "x".repeat(14_000), i }, clear_metadata: ["i", "pad"] });
  for (let size = 1; size < ENTRIES; size += 100) {
    await append(
      domainId,
      Array.from({ length: Math.min(100, ENTRIES - size) }, (_, i) => big(size + i)),
    );
  }
});

/** Holds the alarm off, and makes what is made from now on in small pieces. `change`: of what it is made with. */
function hold(change: (deps: Deps) => Partial<Deps> = () => ({})): Promise<void> {
  return inRoom(domainId, (room) => {
    const real = Object.getPrototypeOf(room).constructor === room.constructor ? original(room) : room.deps;
    room.deps = () => {
      const deps = { ...real(), bounds: BOUNDS };
      return { ...deps, ...change(deps) };
    };
    room.run = async () => null;
  });
}

const originals = new WeakMap<object, () => Deps>();
function original(room: { deps: () => Deps }): () => Deps {
  const known = originals.get(room) ?? room.deps;
  originals.set(room, known);
  return known;
}

/** One run as the alarm makes it, an hour later than the last, so that nothing waits for its next try. */
function run(): Promise<number | null> {
  hours++;
  return inRoom(domainId, (room) => runExports({ ...room.deps(), clock: () => Date.now() + hours * 3_600_000 }));
}

async function runUntil(id: string, wanted: string, each: () => Promise<unknown> = async () => {}): Promise<void> {
  for (let i = 0; i < 200; i++) {
    if ((await readExport(tenant, domainId, id)).status === wanted) return void (await run());
    await run();
    await each();
  }
  throw new Error(`never ${wanted}: ${JSON.stringify(await readExport(tenant, domainId, id))}`);
}

/** The store whose nth call of a write fails, once. */
function breaking(
  { store }: Deps,
  name: Write,
  form: (typeof FORMS)[number],
  broken: { left: number },
): { store: ExportStore } {
  const through = Object.fromEntries(
    (["begin", "putPart", "complete", "size", "abort", "delete"] as const).map((each) => [
      each,
      async (...args: never[]) => {
        const real = () => (store[each] as (...given: never[]) => Promise<unknown>).apply(store, args);
        if (each !== name || broken.left-- !== 0) return real();
        if (form === "failed but persisted") await real();
        throw new AppError("storage.unavailable", { internal: `a test broke ${name}` });
      },
    ]),
  );
  return { store: through as unknown as ExportStore };
}

async function fileOf(id: string): Promise<Uint8Array> {
  const { path } = await newLink(tenant, domainId, id);
  return new Uint8Array(await (await download(path)).arrayBuffer());
}

const toldOf = async (id: string) =>
  (await entriesOf(tenant.tenantDomainId))
    .filter(({ action, targets }) => action.startsWith("audit.export_") && JSON.stringify(targets).includes(id))
    .map(({ action }) => action);

const range = { formats: ["ndjson", "json", "csv"] };
const selection = { ...range, q: "action:invoice.exported" };

describe.each([
  ["a range", range],
  ["a selection", selection],
])("an export of %s", (_, body) => {
  test.each(
    FORMS.flatMap((form) =>
      [
        ["begin", 0],
        ["putPart", 0],
        ["putPart", 1],
        ["putPart", 2],
        ["complete", 0],
      ].map(([name, nth]) => [name as Write, nth as number, form] as const),
    ),
  )("is whole although %s (call %d) has %s", async (name, nth, form) => {
    const broken = { left: nth };
    await hold((deps) => breaking(deps, name, form, broken));
    const { id } = await startExport(tenant, domainId, body);
    await runUntil(id, "done");
    expect(broken.left).toBeLessThan(0);
    await hold();
    const report = verified(await fileOf(id));
    expect(report.steps.filter(({ status }) => status === "failed")).toEqual([]);
    expect(report.verdict).toBe("verified");
    expect(await toldOf(id)).toEqual(["audit.export_created", "audit.export_finished", "audit.export_downloaded"]);
  });

  test("goes on where it was after its object was killed between any two steps", async () => {
    const oneStep = () =>
      hold(({ clock }) => {
        // The run ends after its first piece.
        let asked = 0;
        return { clock: () => clock() + 1000 * asked++ };
      });
    await oneStep();
    const { id } = await startExport(tenant, domainId, body);
    await runUntil(id, "done", async () => {
      await evictDurableObject(env.DOMAIN_KEEPER.getByName(domainId));
      await oneStep();
    });
    expect(verified(await fileOf(id)).verdict).toBe("verified");
  });
});

test("two runs of one step at once do no harm: one of them is refused", async () => {
  await hold();
  const { id } = await startExport(tenant, domainId, range);
  let refused = 0;
  const double = () =>
    inRoom(domainId, async (room) => {
      const deps = { ...room.deps(), settle: async () => {} };
      const record = deps.book.get(id);
      // Each time the second takes the place of the first one's parts, and the bucket refuses to put them together.
      if (!record || !["queued", "running"].includes(record.status) || refused >= LIMITS.exportRestarts) return;
      const both = await Promise.allSettled([exportStep(record, deps), exportStep(record, deps)]);
      refused += both.filter(({ status }) => status === "rejected").length;
    });
  // A fast run makes several steps in one go, so the first one is made twice before any run.
  await double();
  await runUntil(id, "done", double);
  expect(verified(await fileOf(id)).verdict).toBe("verified");
  expect(refused).toBeGreaterThan(0);
});

test("an upload that the bucket has dropped begins anew", async () => {
  let dropped = false;
  await hold((deps) => ({
    store: {
      ...breaking(deps, "begin", FORMS[0], { left: -1 }).store,
      putPart: async (key, uploadId, number, bytes) => {
        if (number === 2 && !dropped) {
          dropped = true;
          await deps.store.abort(key, uploadId);
        }
        return deps.store.putPart(key, uploadId, number, bytes);
      },
    },
  }));
  const { id } = await startExport(tenant, domainId, range);
  await runUntil(id, "done");
  expect(dropped).toBe(true);
  await hold();
  expect(verified(await fileOf(id)).verdict).toBe("verified");
});

test("with the bucket away for good it has failed, with the reason and an entry, and leaves nothing", async () => {
  await hold((deps) => ({
    store: {
      ...breaking(deps, "begin", FORMS[0], { left: -1 }).store,
      putPart: async () => {
        throw new AppError("storage.unavailable", { internal: "a test took the bucket away" });
      },
    },
  }));
  const { id } = await startExport(tenant, domainId, range);
  await runUntil(id, "failed");
  await run();
  expect(await readExport(tenant, domainId, id)).toMatchObject({ failure: "storage.unavailable" });
  expect(await toldOf(id)).toEqual(["audit.export_created", "audit.export_failed"]);
  expect(await env.LOG.head(exportKey(domainId, id))).toBeNull();
});

test.each(FORMS)(
  "withdrawn while it is being made, there is never a file, also when the deletion has %s",
  async (form) => {
    const broken = { left: 0 };
    await hold((deps) => breaking(deps, "delete", form, broken));
    const { id } = await startExport(tenant, domainId, range);
    await inRoom(domainId, async (room) => {
      const deps = { ...room.deps(), settle: async () => {} };
      for (let record = deps.book.get(id); record && record.phase !== "complete"; )
        record = await exportStep(record, deps);
    });
    const answer = await call(pathOf(domainId, `/${id}`), { method: "DELETE", key: tenant.key });
    expect(answer.status).toBe(200);
    for (let i = 0; i < 4; i++) await run();
    expect(broken.left).toBeLessThan(0);
    expect(await env.LOG.head(exportKey(domainId, id))).toBeNull();
    expect((await readExport(tenant, domainId, id)).status).toBe("revoked");
    expect(await toldOf(id)).toEqual(["audit.export_created", "audit.export_revoked"]);
  },
);

test("after its time the file is deleted, and a right link is told so", async () => {
  await hold();
  const { id } = await startExport(tenant, domainId, { ...range, to: 3, expires_in: 60 });
  for (let i = 0; i < 20 && (await readExport(tenant, domainId, id)).status !== "done"; i++) {
    await inRoom(domainId, async (room) => void (await runExports(room.deps())));
  }
  const { path } = await newLink(tenant, domainId, id);
  await runUntil(id, "expired");
  expect(await env.LOG.head(exportKey(domainId, id))).toBeNull();
  await problemOf(await download(path), "export.expired");
});

describe("S4-31 an export whose time is over", () => {
  const made = async () => {
    await hold();
    const { id } = await startExport(tenant, domainId, { ...range, to: 3, expires_in: 60 });
    for (let i = 0; i < 20 && (await readExport(tenant, domainId, id)).status !== "done"; i++) {
      await inRoom(domainId, async (room) => void (await runExports(room.deps())));
    }
    return id;
  };
  const isThere = async (id: string) => (await env.LOG.head(exportKey(domainId, id))) !== null;

  test.each([
    ["exports as a resource", { resources: ["exports"] }],
    ["everything", { all_domains: true }],
  ])("stays, and can be fetched, while a hold over %s is in force; after the release it goes", async (_, scope) => {
    const id = await made();
    const placed = await placeHold(tenant, scope);
    for (let i = 0; i < 3; i++) await run();
    expect((await readExport(tenant, domainId, id)).status).toBe("done");
    expect((await download((await newLink(tenant, domainId, id)).path)).status).toBe(200);
    await releaseHold(tenant, placed.id);
    await runUntil(id, "expired");
    expect(await isThere(id)).toBe(false);
  });

  test("goes although other things are held", async () => {
    const id = await made();
    const placed = await placeHold(tenant, { resources: ["sessions"] });
    await runUntil(id, "expired");
    expect(await isThere(id)).toBe(false);
    await releaseHold(tenant, placed.id);
  });

  test("stays while nobody can say whether it is held", async () => {
    const id = await made();
    const unknown = async () => {
      throw new AppError("storage.unavailable");
    };
    await hold(() => ({ held: unknown }));
    for (let i = 0; i < 3; i++) await run();
    expect((await readExport(tenant, domainId, id)).status).toBe("done");
    expect(await isThere(id)).toBe(true);
    await hold();
    await runUntil(id, "expired");
    expect(await isThere(id)).toBe(false);
  });
});

test.each(["as one text", "row by row"])(
  "entries that are not what was signed are never exported, read %s",
  async (how) => {
    await hold(({ places }) => ({
      places: (ranges) => {
        const real = places(ranges);
        const forged = (payload: string) =>
          payload.includes('"seq":40,') ? payload.replace("invoice.exported", "invoice.imported") : payload;
        const rows: typeof real.ledger.rows = async (wanted) =>
          (await real.ledger.rows(wanted)).map((row) => ({ ...row, payload: forged(row.payload) }));
        const lines: typeof real.ledger.lines = async (wanted) => {
          const found = how === "as one text" ? await real.ledger.lines(wanted) : null;
          return found && { ...found, text: found.text.split("\n").map(forged).join("\n") };
        };
        return { ...real, ledger: { rows, lines } };
      },
    }));
    for (const body of [range, { from: 40, to: 40 }, { ...selection, from: 40, to: 40 }]) {
      const { id } = await startExport(tenant, domainId, body);
      await runUntil(id, "failed");
      expect(await env.LOG.head(exportKey(domainId, id))).toBeNull();
    }
  },
);
