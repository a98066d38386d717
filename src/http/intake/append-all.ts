/** An append of all or nothing (`mode=atomic`): whatever is refused refuses the request, with pointers into its body. */
import type { Context } from "hono";
import { canonicalJson } from "../../core/canonical.ts";
import { AppError, type FieldError, isAppError } from "../../core/errors.ts";
import { jsonPointer } from "../../core/strict-json.ts";
import { refusedEvents } from "../../services/intake/append-each.ts";
import {
  type AcceptedEvent,
  isRefused,
  type Reader,
  type RefusedEvent,
  receiptOf,
} from "../../services/intake/offered.ts";
import { atOrigin } from "../../services/intake/read.ts";
import type { ParsedBody } from "../../services/log/body.ts";
import type { AppendCall, AppendResult } from "../../services/log/calls.ts";
import type { HttpEnv } from "../environment.ts";
import { limitEvents } from "../rate-limit.ts";
import { invalid } from "../validation.ts";
import { noteRefused } from "./check.ts";
import { inRequest, type SentAs } from "./forms.ts";

export interface Request {
  sent: SentAs;
  body: string;
  parsed: ParsedBody;
  reader: Reader;
  call: Pick<AppendCall, "scope" | "idempotencyKey" | "waitForCopy" | "personalData">;
}

/** Throws the refusal of the events, then that of the log. */
export async function appendAll(c: Context<HttpEnv>, request: Request): Promise<AppendResult> {
  const { values, single } = request.parsed;
  const accepted: AcceptedEvent[] = [];
  const refused: [index: number, why: RefusedEvent][] = [];
  values.forEach((value, i) => {
    const read = request.reader(value);
    if (isRefused(read)) refused.push([i, read]);
    else accepted.push(read);
  });
  const place = (i: number) => (single ? "" : jsonPointer(i));
  if (refused.length > 0) {
    noteRefused(
      c,
      refused.map(([, why]) => why),
    );
    throw refusalOf(refused, place, request.sent);
  }
  await limitEvents(c, values.length);
  try {
    const result = await c.get("services").log(c.get("domain").id).append(callFor(request, accepted));
    const receipts = result.receipts.map((receipt, i) => receiptOf(receipt, accepted[i] as AcceptedEvent));
    return { ...result, receipts };
  } catch (error) {
    if (!isAppError(error)) throw error;
    const { code, errors = [] } = error;
    const indexed = single ? errors.map(({ pointer, detail }) => ({ pointer: `/0${pointer}`, detail })) : errors;
    const offered = accepted.map((event) => ({ accepted: event }));
    noteRefused(c, [...refusedEvents({ code, errors: indexed }, offered, false).values()]);
    throw atPlaceSent(error, accepted, request);
  }
}

/** What the client sent, as it sent it; once something of it was changed, the events as they are to be stored. */
function callFor({ body, parsed, sent, call }: Request, accepted: readonly AcceptedEvent[]): AppendCall {
  const events = accepted.map(({ event }) => event);
  const changed = accepted.some((event) => event.changed);
  const notes = accepted.map(({ schema }) => schema ?? null);
  return {
    ...call,
    ...(changed
      ? { body: canonicalJson((parsed.single ? events[0] : events) as object), form: "json" as const }
      : { body, form: sent.form }),
    ...(notes.some((note) => note !== null) ? { schemas: notes } : {}),
  };
}

/** Of the code of the first one, with the fields of all that are refused for the same. */
function refusalOf(
  refused: readonly [number, RefusedEvent][],
  place: (index: number) => string,
  sent: SentAs,
): AppError {
  const [, first] = refused[0] as [number, RefusedEvent];
  const errors = refused
    .filter(([, { code }]) => code === first.code)
    .flatMap(([i, why]) => at(place(i), inRequest(sent, why.errors)));
  return first.code === "request.invalid"
    ? invalid(errors)
    : new AppError(first.code, { errors: errors.slice(0, 100) });
}

/** What the log found wrong, where the client can find it: events of other formats stand elsewhere in what it sent. */
function atPlaceSent(error: AppError, accepted: readonly AcceptedEvent[], { parsed, sent }: Request): AppError {
  if (!sent.mapping || !error.errors) return error;
  const errors = error.errors.flatMap(({ pointer, detail }) => {
    const [, digits, rest = ""] = (parsed.single ? ["", "0", pointer] : /^\/(\d+)(\/.*)?$/.exec(pointer)) ?? [];
    const origin = accepted[Number(digits ?? Number.NaN)]?.origin;
    if (digits === undefined) return [{ pointer, detail }];
    const errorsOfOne = inRequest(sent, atOrigin([{ pointer: rest, detail }], origin));
    return at(parsed.single ? "" : `/${digits}`, errorsOfOne);
  });
  const { code, detail, internal, retryAfterSeconds, cause } = error;
  return new AppError(code, { detail, internal, retryAfterSeconds, cause, errors });
}

const at = (place: string, errors: readonly FieldError[]): FieldError[] =>
  errors.map(({ pointer, detail }) => ({ pointer: place + pointer, detail }));
