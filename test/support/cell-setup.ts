// Runs once before each file, in that file's own isolated storage.
import { applyD1Migrations, type D1Migration } from "cloudflare:test";
import { env } from "cloudflare:workers";

type Databases = Record<"CONTROL" | "LEDGER_00" | "LEDGER_01", D1Database>;
type TestEnv = Databases & { TEST_MIGRATIONS: Record<"CONTROL" | "LEDGER_00", D1Migration[]> };

const { CONTROL, LEDGER_00, LEDGER_01, TEST_MIGRATIONS } = env as unknown as TestEnv;
await applyD1Migrations(CONTROL, TEST_MIGRATIONS.CONTROL);
await applyD1Migrations(LEDGER_00, TEST_MIGRATIONS.LEDGER_00);
await applyD1Migrations(LEDGER_01, TEST_MIGRATIONS.LEDGER_00);
