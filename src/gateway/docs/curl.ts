/** A line that can be pasted: the operation with the examples of the description. */
import { type ApiDocument, componentOf, type DocumentedOperation } from "../../http/document/schema.ts";

const WORD = /^[A-Za-z0-9_.~-]+$/;

/** For a POSIX shell; `MOONSEAL_URL` and `MOONSEAL_KEY` are the reader's. */
export function curlLine(path: string, method: string, operation: DocumentedOperation, document: ApiDocument): string {
  const exampleFor = (name: string): string => {
    const parameter = operation.parameters?.find((each) => each.name === name);
    const component = parameter && componentOf(parameter.schema);
    const schema = component ? document.components.schemas[component] : parameter?.schema;
    const example = schema?.example ?? schema?.default ?? schema?.enum?.[0] ?? `{${name}}`;
    return WORD.test(String(example)) ? String(example) : `{${name}}`;
  };
  const address = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => exampleFor(name));
  const asked = (operation.parameters ?? [])
    .filter((each) => each.in === "query" && each.required)
    .map(({ name }) => `${name}=${exampleFor(name)}`);
  const [type, media] = Object.entries(operation.requestBody?.content ?? {})[0] ?? [];
  const body = media?.example;
  return [
    `curl${method === "get" ? "" : ` -X ${method.toUpperCase()}`} "$MOONSEAL_URL${address}${asked.length > 0 ? `?${asked.join("&")}` : ""}"`,
    ...(operation.security ? [`-H "Authorization: Bearer $MOONSEAL_KEY"`] : []),
    ...(type === undefined ? [] : [`-H "Content-Type: ${type}"`]),
    ...(body === undefined ? [] : [`--data-binary ${quoted(typeof body === "string" ? body : JSON.stringify(body))}`]),
  ].join(" \\\n  ");
}

const quoted = (text: string) => `'${text.replaceAll("'", String.raw`'\''`)}'`;
