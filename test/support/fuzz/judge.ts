/** What the API description promises of an answer, held against one. */
import { Validator } from "@cfworker/json-schema";
import { ERRORS, type ErrorCode } from "../../../src/core/errors.ts";
import type { ApiDocument, DocumentedOperation, Schema } from "../../../src/http/document/schema.ts";

const validators = new WeakMap<Schema, Validator>();

function validatorOf(schema: Schema, document: ApiDocument): Validator {
  const known =
    validators.get(schema) ?? new Validator({ components: document.components, ...schema } as object, "2020-12");
  validators.set(schema, known);
  return known;
}

/** Everything about the answer that the description does not allow; empty for a right one. Reads the body. */
export async function faultsOf(
  answer: Response,
  operation: DocumentedOperation,
  document: ApiDocument,
): Promise<string[]> {
  const { status } = answer;
  const text = await answer.text();
  if (status >= 500 && status !== 503) return [`${status}: ${text}`];
  const declared = operation.responses[status];
  if (!declared) return [`${status} is not declared: ${text.slice(0, 300)}`];
  const type = answer.headers.get("Content-Type");
  if (!declared.content)
    return text === "" || type?.startsWith("text/html") ? [] : [`${status} has a body and declares none`];
  const media = Object.entries(declared.content).find(([name]) => essence(name) === essence(type ?? ""))?.[1];
  if (!media) return [`${status} has the type ${type}, and declares ${Object.keys(declared.content).join(", ")}`];
  if (!/[/+]json$/.test(essence(type ?? ""))) return [];
  const body: unknown = JSON.parse(text);
  const { valid, errors } = validatorOf(media.schema, document).validate(body);
  const faults = valid ? [] : errors.map(({ instanceLocation, error }) => `${status} ${instanceLocation}: ${error}`);
  return status < 400
    ? faults
    : [...faults, ...problemFaults(answer, body as Record<string, unknown>, Object.keys(media.examples ?? {}))];
}

function problemFaults(answer: Response, problem: Record<string, unknown>, codes: readonly string[]): string[] {
  const code = String(problem.code);
  const right: [boolean, string][] = [
    [codes.includes(code), `${answer.status} ${code} is not declared`],
    [
      problem.status === answer.status && ERRORS[code as ErrorCode]?.status === answer.status,
      `${code} is no ${answer.status}`,
    ],
    [String(problem.type).endsWith(`/problems/${code}`), `type of ${code} is ${problem.type}`],
    [problem.instance === answer.headers.get("X-Request-Id"), "instance is not the request's id"],
  ];
  return right.filter(([isRight]) => !isRight).map(([, fault]) => fault);
}

const essence = (type: string) => (type.split(";")[0] ?? "").trim().toLowerCase();
