/** Runs a seed for a number of steps, as a row of episodes: a domain each, a profile each, drained and checked at its end. */
import { drain } from "./drain.ts";
import { whole } from "./invariants.ts";
import { Prng } from "./prng.ts";
import { type Profile, profileFrom } from "./profile.ts";
import { type Counts, Scheduler } from "./scheduler.ts";
import { SERVICES, type Services } from "./services.ts";
import { World } from "./world.ts";

const WHOLE_EVERY = 1000;

export interface Run {
  steps: number;
  counts: Counts;
}

export class SimulationFailure extends Error {
  override readonly name = "SimulationFailure";
  readonly step: number;

  constructor(seed: number, step: number, cause: unknown, world: World, trace: readonly string[]) {
    const what = cause instanceof Error ? cause.message : String(cause);
    super(
      [
        `seed ${seed}, step ${step}: ${what}`,
        `again: npm run simulate -- --seed ${seed} --steps ${step}`,
        `profile: ${JSON.stringify(world.profile)}`,
        ...trace.map((line) => `  ${line}`),
      ].join("\n"),
      { cause },
    );
    this.step = step;
  }
}

/**
 * Throws `SimulationFailure` at the first broken promise. The same arguments give the same run. `focus` replaces what the
 * seed would choose for every episode, to look at one kind of fault.
 */
export async function simulate(
  seed: number,
  steps: number,
  { services = SERVICES, focus = {} }: { services?: Services; focus?: Partial<Profile> } = {},
): Promise<Run> {
  const prng = new Prng(seed);
  const counts: Counts = {};
  let done = 0;
  while (done < steps) {
    // The length does not depend on `steps`, so that a shorter run takes the same way.
    const length = prng.between(300, 3000);
    const world = new World(prng, { ...profileFrom(prng), ...focus }, services);
    done = await episode(seed, done, Math.min(length, steps - done), world, counts);
  }
  return { steps: done, counts };
}

async function episode(seed: number, begin: number, length: number, world: World, counts: Counts): Promise<number> {
  const scheduler = new Scheduler(world, counts);
  let step = begin;
  try {
    await world.create();
    while (step < begin + length) {
      step++;
      await scheduler.step();
      if (step % WHOLE_EVERY === 0) await whole(world.domain, { ...scheduler, drained: false });
    }
    scheduler.note("drain");
    await drain(world);
    const stopped = world.domain.journal.stoppedReason();
    demandStop(world, scheduler, stopped);
    await whole(world.domain, { ...scheduler, drained: stopped === null });
    world.domain.referee.check();
  } catch (error) {
    throw new SimulationFailure(seed, step, world.domain.referee.violation ?? error, world, scheduler.trace);
  }
  if (world.domain.journal.stoppedReason() !== null) counts.stopped = (counts.stopped ?? 0) + 1;
  counts.episodes = (counts.episodes ?? 0) + 1;
  counts.entries = (counts.entries ?? 0) + world.domain.truth.size;
  return step;
}

function demandStop({ domain }: World, { stops }: Scheduler, stopped: string | null): void {
  domain.referee.demand(stops !== "must" || stopped !== null, () => "the object does not stop");
  domain.referee.demand(stops !== "never" || stopped === null, () => `the domain stopped without a cause: ${stopped}`);
}
