/** Rows about the people of a tenant that retention removes: its object's own. */
import type { Held, Retained } from "../../src/services/ports.ts";

interface PeopleTable {
  table: string;
  key: string;
  /** Unix milliseconds. */
  ended: string;
  /** Whose row it is; null: nobody's that is known by an id. */
  person: string | null;
}

const SESSIONS: readonly PeopleTable[] = [
  { table: "session", key: "id", ended: "expires_ms", person: "person_id" },
  { table: "login", key: "id", ended: "expires_ms", person: "person_id" },
];
/** Whom one invited is known by their address alone, and a hold names people by id. */
const INVITATIONS: readonly PeopleTable[] = [{ table: "invitation", key: "id", ended: "expires_ms", person: null }];

export const retainedPeople = (storage: DurableObjectStorage): { sessions: Retained; invitations: Retained } => ({
  sessions: retained(storage, SESSIONS),
  invitations: retained(storage, INVITATIONS),
});

function retained(storage: DurableObjectStorage, tables: readonly PeopleTable[]): Retained {
  const { sql } = storage;
  const rows = (of: PeopleTable, where: string, ...values: SqlStorageValue[]) =>
    sql.exec<{ rows: number }>(`SELECT count(*) AS rows FROM ${of.table} WHERE ${where}`, ...values).one().rows;
  return {
    own: true,
    async count(beforeMs, held) {
      const counts = { go: 0, held: 0 };
      for (const of of tables) {
        const expired = rows(of, `${of.ended} < ?`, beforeMs);
        // Of a million rows each count is a large part of a second.
        const free = held.people.size === 0 ? expired : rows(of, freeRows(of), beforeMs, ...peopleOf(of, held));
        counts.go += free;
        counts.held += expired - free;
      }
      return counts;
    },
    async drop(beforeMs, held, limit, told) {
      storage.transactionSync(() => {
        let gone = 0;
        for (const of of tables) {
          const some = `SELECT ${of.key} FROM ${of.table} WHERE ${freeRows(of)} LIMIT ?`;
          const deleted = `DELETE FROM ${of.table} WHERE ${of.key} IN (${some}) RETURNING 1`;
          gone += sql.exec(deleted, beforeMs, ...peopleOf(of, held), limit - gone).toArray().length;
        }
        told(gone);
      });
    },
  };
}

const freeRows = ({ ended, person }: PeopleTable) =>
  `${ended} < ?${person === null ? "" : ` AND ${person} NOT IN (SELECT value FROM json_each(?))`}`;

const peopleOf = ({ person }: PeopleTable, held: Held) => (person === null ? [] : [JSON.stringify([...held.people])]);
