/** The tables of permissions and tiers as Markdown, for docs/permissions.md. Pure. */
import type { permissionsDocument, tiersDocument } from "../http/catalogue.ts";

type Permissions = ReturnType<typeof permissionsDocument>;
type Tiers = ReturnType<typeof tiersDocument>;

const line = (cells: readonly (string | number)[]) => `| ${cells.join(" | ")} |`;
const table = (head: readonly string[], rows: readonly (readonly (string | number)[])[]) =>
  [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");

/** One row a permission: the least role that has it, whether it asks a person again, and the operations that need it. */
export function permissionTable({ permissions }: Permissions): string {
  const rows = permissions.map(({ name, says, roles, operator_only, sensitive, operations }) => [
    `\`${name}\``,
    says,
    operator_only ? "operator" : (roles[0] ?? ""),
    sensitive ? "yes" : "",
    operations.map((operation) => `\`${operation}\``).join(", ") || "none yet",
  ]);
  const count = `${permissions.length} permissions.`;
  return `${count}\n\n${table(["Permission", "Lets whoever holds it", "From", "Asks again", "Operations"], rows)}`;
}

/** One row a feature and a limit, one column a tier. */
export function tierTable({ tiers, features, limits }: Tiers): string {
  const head = ["", ...tiers.map(({ name }) => name), "What it is"];
  const ofFeatures = features.map(({ name, says }) => [
    `\`${name}\``,
    ...tiers.map((tier) => (tier.features.includes(name) ? "yes" : "")),
    says,
  ]);
  const ofLimits = limits.map(({ name, says, most }) => [
    `\`${name}\``,
    ...tiers.map((tier) => tier.limits[name].toLocaleString("en")),
    `${says}. At most ${most.toLocaleString("en")}`,
  ]);
  return table(head, [...ofFeatures, ...ofLimits]);
}
