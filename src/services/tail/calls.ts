/** Live connections to a log: what the Worker asks of the keeper that holds them, and the keeper of the log. Plain values. */
import type { EntryFilter } from "../../core/query/filter.ts";
import type { ShardRange } from "../../core/shards.ts";
import type { TailHolder } from "./holder.ts";

/** `text`: payloads as the exact canonical text that was hashed. */
export type PayloadForm = "json" | "text";

export interface TailCall {
  /** Whose domain it is. */
  tenantId: string;
  /** First seq; null: from the head on, so only what is still to come. */
  from: number | null;
  filter: EntryFilter;
  form: PayloadForm;
  /** Who listens: looked at again while the connection lasts. */
  holder: TailHolder;
}

/** How far a log has come. */
export interface Growth {
  /** Committed entries. */
  size: number;
  /** Of these, how many the queryable copy holds. */
  copiedSize: number;
}

export interface Watched extends Growth {
  /** No entry comes any more until somebody has looked into it. */
  stopped: boolean;
  /** Where the rows lie. */
  shards: ShardRange[];
  /** The first entry whose payload is kept. */
  firstKept: number;
}

/** How an entry leaves: as a message of a WebSocket or as a server-sent event. */
export type TailKind = "socket" | "stream";

/** Why the server ended a connection. A reader that wants to go on connects again from its `next`, and is answered what holds then. */
export const TAIL_ENDS = {
  /** The connection has lasted as long as one may. */
  life_over: { code: 4000, says: "connect again" },
  /** The credential ended, or could not be looked at for too long. */
  credential_ended: { code: 4001, says: "the credential has ended" },
  /** The tenant is being deleted. */
  domain_gone: { code: 4004, says: "the domain is gone" },
  /** The reader takes less than comes. */
  lagging: { code: 4008, says: "too slow; connect again from where you are" },
  /** The log takes no more entries until its operator has looked into it. */
  domain_stopped: { code: 4010, says: "the domain has stopped" },
  /** What came from the client is none of the protocol. */
  not_understood: { code: 4022, says: "only marks and pings are understood" },
} as const;
export type TailEnd = keyof typeof TAIL_ENDS;
