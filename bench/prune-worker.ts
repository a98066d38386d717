/** The Worker of bench/prune.ts: the cell, whose keepers believe that it is two days later and that everything was confirmed. */
import { DomainKeeper as CellKeeper } from "../durable-objects/domain-keeper.ts";
import type { CellEnv } from "../src/env.ts";

export * from "../src/cell.ts";
export { default } from "../src/cell.ts";

const LATER_MS = 2 * 86_400_000;
const DAY = "P1D";

export class DomainKeeper extends CellKeeper {
  constructor(ctx: DurableObjectState, env: CellEnv) {
    super(ctx, env);
    const { context } = this.retaining;
    const { deps, book } = context;
    const clock = () => Date.now() + LATER_MS;
    const confirmation = { duration: DAY, keptFor: "P7Y" } as never;
    let [last, longest] = [0, 0];
    context.clock = clock;
    // The schedule goes by the real time.
    const { plan } = context;
    context.plan = (atMs) => plan(atMs - LATER_MS);
    const turn = this.retaining.turn.bind(this.retaining);
    this.retaining.turn = async () => {
      const nextMs = await turn();
      return nextMs === null ? null : nextMs - LATER_MS;
    };
    context.deps = () => ({
      ...deps(),
      policy: async () => ({ hot: DAY, whole: "P7Y", allHeld: false, confirmation, referenceMs: clock() }),
    });
    const save = book.save.bind(book);
    book.save = (run) => {
      const now = performance.now();
      if (last > 0 && run !== null) longest = Math.max(longest, now - last);
      last = run === null ? 0 : now;
      save(run);
      if (run?.stage === "end" && run.planned > 1) {
        void env.LEDGER_00.prepare("CREATE TABLE IF NOT EXISTS bench_prune (steps INTEGER, rows INTEGER, longest REAL)")
          .run()
          .then(() =>
            env.LEDGER_00.prepare("INSERT INTO bench_prune VALUES (?, ?, ?)").bind(run.steps, run.done, longest).run(),
          );
      }
    };
  }
}
