/** Desks of tenants, some at a time. */
import type { JobWork } from "./deps.ts";

export const wakeTenants: JobWork = ({ desk }) => desk.wakeTenants();
