/** The end of an episode: no more faults. Whatever was promised must come true within a bounded amount of work. */
import { cheap } from "./invariants.ts";
import { settled, type World } from "./world.ts";

const MOST_EVENTS = 30_000;
/** Longer than an open segment waits, than the longest pause after failures, and than any clock is wrong. */
const LONG_ENOUGH_MS = 8 * 3_600_000;

/** Goes on until nothing is left to do but what is due much later. Throws when it does not come to an end. */
export async function drain(world: World): Promise<void> {
  const { domain, clients, network, prng } = world;
  world.down.clear();
  domain.ledger.missing.clear();
  while (network.late.length > 0) {
    if (prng.chance(0.5)) network.arrive(0);
    else network.late.shift();
  }
  // First the object that is there must come to rest by its alarm alone, then one that starts: a start, or cron's call,
  // repairs what should not need one.
  await toRest(world);
  const { journal } = domain;
  const behind = journal.head().size - Math.min(journal.copied().size, journal.archived().size);
  domain.referee.demand(behind === 0 || journal.stoppedReason() !== null, () => `${behind} entries never drain`);
  world.evict(false);
  world.wake();
  await toRest(world);
  const waiting = clients.all.filter(({ toRetry, waitsFor }) => toRetry ?? waitsFor).length;
  const stopped = domain.journal.stoppedReason() !== null;
  domain.referee.demand(waiting === 0 || stopped, () => `${waiting} clients never got an answer`);
}

async function toRest(world: World): Promise<void> {
  const { domain, clock } = world;
  let untilMs = clock.trueMs + LONG_ENOUGH_MS;
  let size = domain.truth.size;
  for (let events = 0; await goOn(world, untilMs); events++) {
    cheap(domain);
    domain.referee.demand(events < MOST_EVENTS, () => "the log does not come to rest");
    // What was appended now may wait as long again.
    if (domain.truth.size !== size) untilMs = clock.trueMs + LONG_ENOUGH_MS;
    size = domain.truth.size;
  }
}

async function goOn(world: World, untilMs: number): Promise<boolean> {
  const { domain, clients, network, clock } = world;
  await settled();
  const call = network.calls[0];
  const answer = world.answers()[0];
  const stopped = domain.journal.stoppedReason() !== null;
  if (domain.storage.dirty) domain.storage.flush();
  else if (call?.answer) network.answer(call);
  else if (call) world.deliver(call, "works", true);
  else if (answer && domain.truth.forked) clients.lose(answer);
  else if (answer) clients.hear(answer);
  else if (clock.due) clock.wakeDue();
  else if (world.alarmDue) world.alarm();
  else if (!stopped && clients.idle().some(({ toRetry }) => toRetry)) {
    clock.trueMs += 60_000;
    world.retry();
  } else if (clock.trueMs < untilMs) clock.trueMs += 60_000;
  else return false;
  return true;
}
