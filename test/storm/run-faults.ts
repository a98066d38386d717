/** `npm run storm:faults -- [--from N] [--to N]`: system calls of workerd fail at the nth time, for each n. Needs strace. */
import { parseArgs } from "node:util";
import { storeFor } from "./support/local-cell.ts";
import { type SyscallFault, straceMissing } from "./support/strace.ts";
import { appendUnderFaults } from "./support/syscall-faults.ts";

const { values } = parseArgs({
  options: { from: { type: "string", default: "1" }, to: { type: "string", default: "12" } },
});
const [from, to] = [Number(values.from), Number(values.to)];
const missing = straceMissing();
if (missing) {
  console.error(`not run: ${missing}`);
  process.exit(3);
}
const CALLS = ["fsync", "pwrite64"] as const;
const FAULTS = ["error=EIO", "error=ENOSPC", "signal=SIGKILL"] as const;
let broken = 0;
for (const syscall of CALLS) {
  for (const fault of FAULTS) {
    for (let n = from; n <= to; n++) {
      const wanted: SyscallFault = { syscall, fault, nth: n, every: fault === "signal=SIGKILL" ? null : 5 };
      const name = `${syscall} ${fault}, call ${n}`;
      try {
        const { injected, requests, acknowledged } = await appendUnderFaults(storeFor("faults"), wanted);
        console.log(`${name}: ${injected} injected, ${acknowledged} of ${requests} acknowledged meanwhile; whole`);
      } catch (error) {
        broken++;
        console.error(`${name}: BROKEN: ${(error as Error).message}`);
      }
    }
  }
}
process.exit(broken > 0 ? 1 : 0);
