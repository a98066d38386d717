/** What could be restored from where (src/services/monitoring/backups.ts). */
import type { JobWork } from "./deps.ts";

export const verifyBackups: JobWork = ({ desk }) => desk.monitoring.verifyBackups();
