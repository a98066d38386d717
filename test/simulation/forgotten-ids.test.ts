/** Event ids that the object forgets while an append asks D1 about others: too rare for a run of chance, so it is made here. */
import { expect, it } from "vitest";
import { LIMITS } from "../../src/core/limits.ts";
import { ObjectBench } from "./support/object-bench.ts";

const WINDOW_MS = (LIMITS.idempotencyDays + 40) * 86_400_000;

it("an id that is forgotten while D1 is asked about another one is not taken twice", async () => {
  const bench = new ObjectBench(3);
  const { journal, ledger, truth } = bench.domain;
  await bench.create();
  await bench.append(1, ["first"]);
  await bench.alarms();
  bench.nowMs += WINDOW_MS;
  await bench.append(1, ["second"]);
  await bench.alarms();
  expect(journal.idsForgottenBelow()).toBeGreaterThan(0);
  expect(journal.knownIds(["second"])).toHaveLength(1);

  const ask = ledger.seqsOf.bind(ledger);
  ledger.seqsOf = (ids) => {
    journal.forget(bench.nowMs + WINDOW_MS);
    return ask(ids);
  };
  const size = truth.size;
  await expect(bench.append(2, ["new", "second"])).rejects.toMatchObject({ code: "entry.id_conflict" });
  expect(truth.size).toBe(size);
  await bench.verify();
});
