/** The typed client of Moonseal. Runs wherever there is `fetch`: Node from 20 on, browsers, Workers. */
export { BatchingAppender, type BatchingOptions } from "./batching.ts";
export { type AppendOptions, MoonsealClient } from "./client.ts";
export { type FieldProblem, MoonsealError, MoonsealProblem, MoonsealUnreachable } from "./errors.ts";
export type { EventTypeFilter, RegisteredEventType } from "./event-types.ts";
export type { DownloadOptions } from "./exports.ts";
export type { IngestOptions, IngestResult } from "./ingest.ts";
export type { CallOptions, Tagged } from "./requests.ts";
export { DEFAULT_RETRY, type RetryPolicy } from "./retry.ts";
export type { TailConnection, TailOptions } from "./tail.ts";
export type { Fetch, TransportOptions } from "./transport.ts";
export type * from "./types.ts";
