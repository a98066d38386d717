/** The room of a domain's live connections, wired to the objects and stores of its cell. */
import { sha256 } from "../src/crypto/sha256.ts";
import type { CellEnv } from "../src/env.ts";
import { cellConfig } from "../src/services/cell-config.ts";
import { type HolderStores, mayListen } from "../src/services/tail/holder.ts";
import { tailRows } from "../src/services/tail/rows.ts";
import { D1ControlStore } from "../src/storage/control-store.ts";
import { R2SegmentStore } from "../src/storage/segment-store.ts";
import { TailRoom } from "./domain-keeper/tail-room.ts";
import { ledgerAt } from "./domain-log/stores.ts";
import { cellDesk, domainLog, rateDesk, tenantDesk } from "./gates.ts";
import { demandPinned } from "./pinning.ts";

/** `plan`: has the room's `look` called. Nothing is asked or stored before somebody connects. */
export function tailRoom(ctx: DurableObjectState, env: CellEnv, plan: (atMs: number) => void): TailRoom {
  const domainId = ctx.id.name ?? "";
  const config = () => {
    const config = cellConfig(env);
    demandPinned(ctx, config);
    return config;
  };
  const log = () => domainLog(env, config(), domainId);
  return new TailRoom({
    sockets: ctx,
    watch: () => log().watch(),
    rows: (fromSeq, watched) =>
      tailRows(fromSeq, watched, {
        ledger: ledgerAt(env, domainId, watched.shards),
        segments: new R2SegmentStore(env.LOG, domainId),
        waiting: (seq, limit) => log().waiting(seq, limit),
        sha256,
      }),
    mayListen: (holder, tenantId) => mayListen(holder, domainId, tenantId, holderStores(env, config, tenantId)),
    countForTenant: (tenantId, listening) => rateDesk(env, config(), tenantId).countTails(domainId, listening),
    plan,
    clock: Date.now,
  });
}

function holderStores(env: CellEnv, config: () => ReturnType<typeof cellConfig>, tenantId: string): HolderStores {
  const desk = () => tenantDesk(env, config(), tenantId);
  return {
    key: (keyId) => new D1ControlStore(env.CONTROL).key(keyId),
    memberSession: (sessionId, memberId) => desk().session(sessionId, memberId),
    staffSession: (sessionId, staffId) => cellDesk(env, config()).staffSession(sessionId, staffId),
    useAccess: (use) => desk().useAccess(use),
    clock: Date.now,
  };
}
