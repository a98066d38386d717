/** What every problem document must be, wherever it comes from. Runs in Node and in workerd. */
import { expect } from "vitest";
import type { ErrorCode } from "../../src/core/errors.ts";
import gateway from "../../src/gateway/index.ts";
import type { ProblemDocument } from "../../src/http/problem.ts";

/** Reads a problem and demands its code, its form, its request id and that its `type` leads to a page. */
export async function problemOf(answer: Response, code: ErrorCode): Promise<ProblemDocument> {
  const text = await answer.text();
  expect(answer.headers.get("Content-Type"), text).toBe("application/problem+json");
  const problem = JSON.parse(text) as ProblemDocument;
  expect(problem).toMatchObject({ code, status: answer.status, instance: answer.headers.get("X-Request-Id") });
  expect(new URL(problem.type).pathname).toBe(`/problems/${code}`);
  const page = await gateway.fetch(new Request(problem.type));
  expect(page.status, problem.type).toBe(200);
  return problem;
}

/** The pointers that a problem names. */
export const pointersOf = (problem: ProblemDocument) => (problem.errors ?? []).map(({ pointer }) => pointer);

/** Of every request, whatever it asks for: its id, and how much of the client's own limit is left at that moment. */
const OF_THE_REQUEST = ["x-request-id", "ratelimit"];

/** Everything that a caller can tell two answers apart by. */
export async function withoutInstance(answer: Response) {
  const body = (await answer.json()) as ProblemDocument;
  const headers = Object.fromEntries([...answer.headers].filter(([name]) => !OF_THE_REQUEST.includes(name)));
  return { status: answer.status, headers, body: { ...body, instance: "" } };
}
