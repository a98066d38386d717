/** F15, a short run; `npm run storm:faults` makes more of them (docs/fault-injection.md). */
import { afterAll, describe, expect, test } from "vitest";
import { storeFor } from "./support/local-cell.ts";
import { type SyscallFault, straceMissing } from "./support/strace.ts";
import { appendUnderFaults } from "./support/syscall-faults.ts";

const missing = straceMissing();
if (missing) console.warn(`F15 skipped: ${missing}`);

const FAULTS: SyscallFault[] = [
  { syscall: "fsync", fault: "error=EIO", nth: 3, every: 5 },
  { syscall: "pwrite64", fault: "error=ENOSPC", nth: 40, every: 60 },
  { syscall: "fsync", fault: "signal=SIGKILL", nth: 6, every: null },
];

describe.skipIf(missing)(`F15 ${missing ? `(skipped: ${missing}) ` : ""}while system calls of workerd fail`, () => {
  let injected = 0;
  for (const fault of FAULTS) {
    const what = `${fault.syscall} ${fault.fault} from call ${fault.nth} on`;
    test(`${what}: what was acknowledged is on disk, and after a restart the whole log verifies`, {
      timeout: 120_000,
    }, async () => {
      const report = await appendUnderFaults(storeFor("faults-test"), fault);
      expect(report.size).toBeGreaterThan(report.requests);
      injected += report.injected;
    });
  }
  afterAll(() => expect(injected, "no fault was injected").toBeGreaterThan(0));
});
