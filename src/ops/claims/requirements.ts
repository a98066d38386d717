/** Reads docs/requirements.md: what was promised, one numbered line each. Pure. */

export const KINDS = ["core", "adapt", "org"] as const;

export interface Requirement {
  /** `S4-22`: the document, and the number within it. */
  id: string;
  kind: (typeof KINDS)[number];
  /** One line of Markdown. */
  says: string;
}

export interface PromiseDocument {
  id: string;
  title: string;
  requirements: Requirement[];
}

const HEADING = /^## (?<id>S\d) — (?<title>.+) \((?<count>\d+)\)$/;
const LINE = /^- \*\*(?<id>S\d-\d+)\*\* \[(?<kind>core|adapt|org)\] (?<says>\S.*)$/;

/**
 * The documents in their order. Throws on a line below the first heading of a document that is no requirement, and where numbers
 * skip, repeat, or are not as many as the heading says: a promise does not get lost by a slip.
 */
export function parseRequirements(markdown: string): PromiseDocument[] {
  const documents: (PromiseDocument & { count: number })[] = [];
  for (const line of markdown.split("\n")) {
    const heading = HEADING.exec(line)?.groups;
    const document = documents.at(-1);
    if (heading) {
      documents.push({
        id: heading.id ?? "",
        title: heading.title ?? "",
        requirements: [],
        count: Number(heading.count),
      });
    } else if (document && line !== "") {
      const { id, kind, says } = LINE.exec(line)?.groups ?? {};
      const expected = `${document.id}-${document.requirements.length + 1}`;
      if (id !== expected) throw new Error(`${expected} is expected, not: ${line.slice(0, 80)}`);
      document.requirements.push({ id, kind: kind as Requirement["kind"], says: says ?? "" });
    }
  }
  return documents.map(({ count, ...document }) => {
    const found = document.requirements.length;
    if (found !== count) throw new Error(`${document.id} has ${found} requirements, and says ${count}`);
    return document;
  });
}
