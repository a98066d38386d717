/** The registry of actions as Markdown, for docs/event-types.md. Pure. */
import type { eventTypesDocument } from "../http/event-types.ts";

type Types = ReturnType<typeof eventTypesDocument>;

const HEAD = ["Action", "What happened", "Category", "Does", "Sensitivity", "Surfaces", "Fields about people"];
const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;

/** How many there are, and how many come through each door. */
export function eventTypeCounts(types: Types): string {
  const surfaces = Map.groupBy(
    types.flatMap(({ surfaces: its }) => its),
    (surface) => surface,
  );
  const counts = [...surfaces].map(([surface, its]) => `${surface} ${its.length}`).join(", ");
  return `${types.length} action types. By surface, of which a type may have several: ${counts}.`;
}

/** One table a family. */
export function eventTypeTables(types: Types): string {
  return [...Map.groupBy(types, ({ family }) => family)].map(([family, its]) => tableOf(family, its)).join("\n\n");
}

function tableOf(family: string, types: Types): string {
  const rows = types.map(({ name, description, category, does, sensitivity, surfaces, people }) =>
    line([
      `\`${name}\``,
      description,
      category,
      does,
      sensitivity,
      surfaces.join(", "),
      people.map((pointer) => `\`${pointer}\``).join(", "),
    ]),
  );
  return [`### ${family}`, "", line(HEAD), line(HEAD.map(() => "---")), ...rows].join("\n");
}
