/** Requests for an operation of the API description: its parameters, bodies and credentials, right and wrong. */
import fc from "fast-check";
import type { ApiDocument, DocumentedOperation, Media, Parameter } from "../../../src/http/document/schema.ts";
import { ORIGIN } from "../cell.ts";
import { accepted, bodies, oddText } from "./values.ts";

export interface FuzzRequest {
  address: string;
  method: string;
  headers: Record<string, string>;
  body: string | undefined;
}

export interface Place {
  path: string;
  method: string;
  operation: DocumentedOperation;
}

/** `ids` holds what exists, by the name of its parameter; `credentials` what may stand in `Authorization`, most useful first. */
export function requestsOf(
  { path, method, operation }: Place,
  document: ApiDocument,
  ids: Readonly<Record<string, string>>,
  credentials: readonly (string | null)[],
): fc.Arbitrary<FuzzRequest> {
  const parameters = operation.parameters ?? [];
  const inPath = fc.record(
    Object.fromEntries(
      parameters.filter((each) => each.in === "path").map((each) => [each.name, pathValue(each, document, ids)]),
    ),
  );
  const inQuery = optional(
    parameters.filter((each) => each.in === "query"),
    document,
  );
  const inHeader = optional(
    parameters.filter((each) => each.in === "header"),
    document,
  );
  return fc
    .record({
      inPath,
      inQuery,
      inHeader,
      sent: contentOf(operation.requestBody?.content, document),
      credential: credentialOf(credentials),
    })
    .map(({ inPath, inQuery, inHeader, sent, credential }) => ({
      address:
        path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(inPath[name]).toWellFormed())) +
        queryOf(inQuery),
      method: method.toUpperCase(),
      headers: {
        ...headersOf(inHeader),
        ...sent.headers,
        ...(credential === null ? {} : { Authorization: `Bearer ${credential}` }),
      },
      body: sent.body,
    }));
}

const credentialOf = ([best = null, ...others]: readonly (string | null)[]) =>
  fc.oneof(
    { weight: 14, arbitrary: fc.constant(best) },
    ...others.map((other) => ({ weight: 1, arbitrary: fc.constant(other) })),
  );

/** Texts that stay one segment of the path: what names another route is no request for this one. */
const segment = oddText.map((text) =>
  /^(?:\.{0,2}|[a-z-]+)$/.test(text.toWellFormed().trim()) || text.includes("/") ? "x0" : text,
);

function pathValue(
  { name, schema }: Parameter,
  document: ApiDocument,
  ids: Readonly<Record<string, string>>,
): fc.Arbitrary<unknown> {
  const own = ids[name];
  const made = fc.oneof({ weight: 1, arbitrary: accepted(schema, document) }, { weight: 1, arbitrary: segment });
  return own === undefined
    ? made
    : fc.oneof({ weight: 6, arbitrary: fc.constant(own) }, { weight: 1, arbitrary: made });
}

/** Each is there in one request of three. */
function optional(parameters: readonly Parameter[], document: ApiDocument): fc.Arbitrary<Record<string, unknown>> {
  const values = parameters.map(({ name, schema, required }) => {
    const value = fc.oneof({ weight: 3, arbitrary: accepted(schema, document) }, { weight: 1, arbitrary: oddText });
    const absent = { weight: required ? 0 : 2, arbitrary: fc.constant(undefined) };
    return [name, fc.oneof({ weight: 1, arbitrary: value }, absent)] as const;
  });
  return fc
    .record(Object.fromEntries(values))
    .map((made) => Object.fromEntries(Object.entries(made).filter(([, value]) => value !== undefined)));
}

function queryOf(values: Record<string, unknown>): string {
  const pairs = Object.entries(values).flatMap(([name, value]) =>
    [value].flat().map((each) => `${encodeURIComponent(name)}=${encodeURIComponent(String(each).toWellFormed())}`),
  );
  return pairs.length === 0 ? "" : `?${pairs.join("&")}`;
}

/** What no client could send in a header is not sent. */
const headersOf = (values: Record<string, unknown>) =>
  Object.fromEntries(
    Object.entries(values)
      .map(
        ([name, value]) =>
          [
            name,
            String(value)
              .replaceAll(/[^\x20-\x7e]/g, "")
              .trim(),
          ] as const,
      )
      .filter(([, value]) => value !== ""),
  );

interface Sent {
  body: string | undefined;
  headers: Record<string, string>;
}

function contentOf(content: Record<string, Media> | undefined, document: ApiDocument): fc.Arbitrary<Sent> {
  if (!content) return fc.constant({ body: undefined, headers: {} });
  const right = fc.oneof(...Object.entries(content).map(([type, media]) => ofType(type, media, document)));
  const broken = fc
    .tuple(right, fc.constantFrom("", "{", "[1,", '{"a":1,"a":2}', "\u0000", '"\\ud800"'), fc.boolean())
    .map(([{ headers }, body, isTyped]) => ({
      body,
      headers: isTyped ? headers : { ...headers, "Content-Type": "text/csv" },
    }));
  return fc.oneof({ weight: 8, arbitrary: right }, { weight: 1, arbitrary: broken });
}

function ofType(type: string, media: Media, document: ApiDocument): fc.Arbitrary<Sent> {
  const headers = { "Content-Type": type };
  if (type === "application/x-www-form-urlencoded") {
    const asForm = (value: unknown) =>
      new URLSearchParams(Object.entries(value ?? {}).map(([name, each]) => [name, String(each)])).toString();
    return bodies(media, document).map((value) => formOf(asForm(value), headers));
  }
  if (/[/+]json$/.test(type)) return bodies(media, document).map((value) => ({ body: JSON.stringify(value), headers }));
  return fc
    .oneof(bodies(media, document), oddText)
    .map((value) => ({ body: typeof value === "string" ? value : JSON.stringify(value), headers }));
}

/** As a browser sends a form of a page of this origin. */
const formOf = (body: string, headers: Record<string, string>): Sent => ({
  body,
  headers: {
    ...headers,
    Origin: ORIGIN,
    "Sec-Fetch-Site": "same-origin",
    "Content-Length": String(new TextEncoder().encode(body).length),
  },
});
