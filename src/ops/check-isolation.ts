/** `npm run check:isolation`: every query on a tenant's table names the tenant (S1-11). Exit codes: 0 so it is, 1 it is not. */
import { queryFaults, readSources } from "./query-scopes.ts";

const { statements, faults } = queryFaults(readSources());
for (const fault of faults) console.error(fault);
if (faults.length > 0) process.exitCode = 1;
else console.log(`${statements} statements name their tenant or domain, or are listed with the reason why they cannot`);
