/**
 * Patterns that every reader of the description understands. JSON Schema (2020-12 §6.4) recommends a small common set; `\p{…}` needs a
 * flag that a document cannot give, and other languages spell it otherwise. Written out here are the characters of the first plane; lone
 * surrogates are not, for JSON cannot carry them in UTF-8. The routes themselves check with the whole classes.
 */
const CLASSES: Readonly<Record<string, string>> = {
  Cc: String.raw`\u0000-\u001f\u007f-\u009f`,
  Cf: String.raw`\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb`,
  Cs: "",
  Zl: String.raw`\u2028`,
  Zp: String.raw`\u2029`,
};

/** The generator leaves a regular expression's `/u` behind the pattern, which then matches nothing; and classes stand as `\p{…}`. */
export function portablePattern(pattern: string): string {
  return pattern
    .replace(/\/[dgimsuvy]+$/, "")
    .replaceAll(/\\p\{(\w+)\}/g, (whole, name: string) => CLASSES[name] ?? whole);
}
