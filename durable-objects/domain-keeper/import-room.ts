/** The import of one domain, one piece at a time. Nothing is stored before somebody asks. */
import type { ImportCalls } from "../../src/services/imports/calls.ts";
import { importDesk } from "../../src/services/imports/desk.ts";
import type { ImportDeps } from "../../src/services/imports/ports.ts";
import { runImport } from "../../src/services/imports/run.ts";
import { type Outcome, outcomeOf } from "../../src/services/outcome.ts";

export class ImportRoom {
  /** Made anew for each call; replaced in part by tests. */
  deps: () => ImportDeps & { soon(): void };
  #turn: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(deps: () => ImportDeps & { soon(): void }) {
    this.deps = deps;
  }

  /** One piece of the alarm's work; when it goes on. */
  run(): Promise<number | null> {
    const mine = this.#turn.then(async () => (this.#closed ? null : runImport(this.deps())));
    this.#turn = mine.catch(() => undefined);
    return mine;
  }

  call(name: keyof ImportCalls, args: never): Promise<Outcome<unknown>> {
    return outcomeOf(async () => {
      const desk = importDesk(this.deps());
      return (desk[name] as (...given: never[]) => Promise<unknown>)(...(args as never[]));
    });
  }

  /** The tenant is being deleted: resolves when nothing is under way, and nothing is begun any more. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#turn;
  }
}
