/** Deletions that run, and old ones that a restore may have undone. */
import type { JobWork } from "./deps.ts";

export const wakeDeletions: JobWork = ({ desk }) => desk.wakeDeletions();
