/** The table of what is kept as Markdown, for docs/retention.md. Pure. */
import { RESOURCE_NAMES, RESOURCES, type RetainedResource } from "../core/retention/resources.ts";

const HEAD = [
  "Resource",
  "What it is",
  "Counted from",
  "Default",
  "Bounds",
  "Let go by",
  "Personal data",
  "Legal basis",
];
const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
const LET_GO: Record<string, string> = { keeper: "the domain's object", desk: "the tenant's object" };

export function retentionTable(): string {
  const rows = RESOURCE_NAMES.map((name) => {
    const { about, from, personal, basis, enforcer } = RESOURCES[name];
    const by = enforcer === null ? "nothing yet" : (LET_GO[enforcer] ?? enforcer);
    return line([
      `\`${name}\``,
      about,
      from,
      defaultsOf(RESOURCES[name]),
      boundsOf(RESOURCES[name]),
      by,
      personal,
      basis,
    ]);
  });
  return [line(HEAD), line(HEAD.map(() => "---")), ...rows].join("\n");
}

function defaultsOf({ defaults }: RetainedResource): string {
  const groups = [...Map.groupBy(Object.entries(defaults), ([, duration]) => duration)];
  if (groups.length === 1) return `\`${groups[0]?.[0]}\``;
  return groups.map(([duration, tiers]) => `\`${duration}\` ${tiers.map(([tier]) => tier).join(", ")}`).join("; ");
}

function boundsOf({ least, most, byTier, fixed }: RetainedResource): string {
  if (fixed) return "not changed by a policy";
  const longest = byTier ? "at most as the tier says" : most === null ? "" : `at most \`${most}\``;
  return [least === null ? "" : `at least \`${least}\``, longest].filter((part) => part !== "").join(", ");
}
