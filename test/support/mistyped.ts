/** The same key or secret with another last character: its checksum is wrong. */
export const mistyped = (key: string) => key.slice(0, -1) + (key.endsWith("0") ? "1" : "0");
