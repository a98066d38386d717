-- What D1 Time Travel would restore each database to, as the operator's tool last read it in the account (S2-34). The cell holds no
-- credential that could read it itself.
CREATE TABLE backup_bookmark (
  binding TEXT NOT NULL PRIMARY KEY,
  bookmark TEXT NOT NULL,
  recorded_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
