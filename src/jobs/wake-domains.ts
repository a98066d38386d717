/** Domains, some at a time: the desk remembers where it stopped. */
import type { JobWork } from "./deps.ts";

export const wakeDomains: JobWork = ({ desk }) => desk.wakeDomains();
