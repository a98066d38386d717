/** Whether the schema and KEY_REGISTRY say the same, and what they say as tables for docs/keys.md. Pure. */
import { is } from "drizzle-orm";
import { getTableConfig, SQLiteTable } from "drizzle-orm/sqlite-core";
import type { SlotDeclaration, SlotName } from "../crypto/key-registry.ts";
import { slotOfColumn } from "../storage/sealed-column.ts";

export type Registry = Readonly<Record<string, SlotDeclaration>>;

interface Column {
  table: string;
  name: string;
  /** Null: its values are stored as they are. */
  slot: SlotName | null;
}

const SLOTS = 12;

/** What is wrong, one line each; empty when nothing is (S2-1, S2-5). `schema`: the exports of a drizzle schema. */
export function keyFaults(schema: object, registry: Registry): string[] {
  return [...registryFaults(registry), ...columnFaults(columnsOf(schema), registry)];
}

function registryFaults(registry: Registry): string[] {
  const slots = Object.entries(registry);
  const faults: string[] = [];
  if (slots.length !== SLOTS) faults.push(`there are ${slots.length} slots, not ${SLOTS}`);
  const numbers = slots.map(([, { number }]) => number).sort((a, b) => a - b);
  if (numbers.some((number, i) => number !== i + 1)) faults.push(`slots are numbered ${numbers.join(", ")}`);
  for (const [name, { secret }] of slots) {
    if (secret !== `SLOT_${name.toUpperCase()}`) faults.push(`${name} has the secret ${secret}`);
  }
  return faults;
}

function columnFaults(columns: readonly Column[], registry: Registry): string[] {
  const faults: string[] = [];
  const declaredBy = (column: string) =>
    Object.keys(registry).filter((slot) => registry[slot]?.columns.some((declared) => declared === column));
  for (const { table, name, slot } of columns) {
    const column = `${table}.${name}`;
    const declared = declaredBy(column);
    if (declared.length > 1) faults.push(`${column} is declared for ${declared.join(" and for ")}`);
    else if (slot && declared.length === 0) faults.push(`${column} is sealed under ${slot}, which does not declare it`);
    else if (slot && declared[0] !== slot)
      faults.push(`${column} is sealed under ${slot}, declared for ${declared[0]}`);
    else if (!slot && declared.length > 0) faults.push(`${column} is declared for ${declared[0]} and is not sealed`);
  }
  const known = new Set(columns.map(({ table, name }) => `${table}.${name}`));
  for (const [slot, { columns: declared }] of Object.entries(registry)) {
    for (const column of declared)
      if (!known.has(column)) faults.push(`${slot} declares ${column}, which is not there`);
    if (new Set(declared).size !== declared.length) faults.push(`${slot} declares a column twice`);
  }
  return faults;
}

/** The slots, in the order of their numbers: what each holds, and where. */
export function slotTable(registry: Registry): string {
  const rows = Object.entries(registry)
    .sort(([, a], [, b]) => a.number - b.number)
    .map(([name, { number, secret, holds, columns, objectColumns = [] }]) => {
      const inObjects = objectColumns.map((column) => `\`${column}\` (objects)`);
      const places = [...columns.map((column) => `\`${column}\``), ...inObjects].join(", ") || "none yet";
      return [String(number), `\`${name}\``, `\`${secret}_V1\``, holds, places];
    });
  return markdownTable(["Slot", "Name", "Secret", "Holds", "Columns"], rows);
}

/** Every column of every table: sealed, or as it is (S1-10). */
export function encryptionTable(schema: object): string {
  const columns = columnsOf(schema);
  const listed = (of: readonly Column[]) => of.map(({ name }) => `\`${name}\``).join(", ") || "none";
  const rows = [...new Set(columns.map(({ table }) => table))].map((table) => {
    const own = columns.filter((column) => column.table === table);
    return [`\`${table}\``, listed(own.filter(({ slot }) => slot)), listed(own.filter(({ slot }) => !slot))];
  });
  return markdownTable(["Table", "Sealed by the application", "Encrypted by the storage layer only"], rows);
}

/** By table, in the order of names: modules do not list their exports in one order everywhere. */
function columnsOf(schema: object): Column[] {
  return Object.values(schema)
    .filter((value) => is(value, SQLiteTable))
    .map((table) => getTableConfig(table))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap(({ name: table, columns }) =>
      columns.map((column) => ({ table, name: column.name, slot: slotOfColumn(column) })),
    );
}

function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
