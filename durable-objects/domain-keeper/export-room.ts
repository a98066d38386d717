/**
 * The exports of one domain: one thing at a time is done for them, by the alarm or for whoever asks, so that a file is never deleted
 * while it is still being put together. Nothing is stored before somebody asks.
 */

import type { ExportCalls } from "../../src/services/exports/calls.ts";
import { type DeskDeps, exportDesk } from "../../src/services/exports/desk.ts";
import { dropPrivateExports } from "../../src/services/exports/drop-private.ts";
import { runExports, settleExports } from "../../src/services/exports/run.ts";
import type { Outcome } from "../../src/services/outcome.ts";
import { outcomeOf } from "../../src/services/outcome.ts";

export class ExportRoom {
  /** Made anew for each call; replaced in part by tests. */
  deps: () => Omit<DeskDeps, "settle">;
  #turn: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(deps: () => Omit<DeskDeps, "settle">) {
    this.deps = deps;
  }

  /** One piece of the alarm's work; when it goes on. */
  run(): Promise<number | null> {
    return this.#inTurn(async () => (this.#closed ? null : runExports(this.deps())));
  }

  call(name: keyof ExportCalls, args: never): Promise<Outcome<unknown>> {
    return outcomeOf(async () => {
      const deps = this.deps();
      const settle = () => this.#inTurn(() => settleExports(deps)).catch(() => undefined);
      const desk = exportDesk({ ...deps, settle });
      return (desk[name] as (...given: never[]) => Promise<unknown>)(...(args as never[]));
    });
  }

  /** Nothing is made any more; resolves when nothing is under way. The log refuses its part of every export from then on. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#turn;
  }

  /** After whatever runs: nothing that was opened before is in a file, or on its way into one, when this resolves. */
  dropPrivate(): Promise<number> {
    return this.#inTurn(() => dropPrivateExports(this.deps()));
  }

  #inTurn<T>(run: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(run);
    this.#turn = mine.catch(() => undefined);
    return mine;
  }
}
