/** The Worker of `bench/self-check.ts --whole`: the cell, whose self-check reads everything in each run. */
import "./whole-limits.ts";

export * from "../src/cell.ts";
export { default } from "../src/cell.ts";
