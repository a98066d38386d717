import { expect, test, vi } from "vitest";
import { AppError, type ErrorCode } from "../../../src/core/errors.ts";
import { recordRead } from "../../../src/services/query/record-read.ts";

const domain = { id: "dom_eu_a", tenantId: "tnt_eu_a", kind: "client" as const, settings: {} };
const by = { type: "service" as const, id: "key_eu_a" };
const recorded = (code: ErrorCode) =>
  recordRead({ recordInTenant: () => Promise.reject(new AppError(code)) }, by, domain, { kind: "list", filter: null });

test.each(["domain.stopped", "ledger.guard_missing"] as const)(
  "S1-3 a log that takes nothing more (%s) can still be read and verified, and the cell's own log says so",
  async (code) => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    await recorded(code);
    expect(warn).toHaveBeenCalledExactlyOnceWith(expect.stringContaining(code));
    warn.mockRestore();
  },
);

test.each(["storage.unavailable", "backlog.full", "tenant.deleting"] as const)(
  "S1-3 a read that cannot be recorded for another reason (%s) is refused",
  async (code) => {
    await expect(recorded(code)).rejects.toMatchObject({ code });
  },
);
