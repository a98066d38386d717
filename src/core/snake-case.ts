/**
 * Names of other systems in lower snake case, for actions: `ListMFADevices` → `list_mfa_devices`. Names in a log can never be
 * fixed, so the rules are frozen. Whatever is no ASCII letter or digit separates words. O(n).
 */

/** Words that the rules for capitals would tear apart. */
const ODD_WORDS: readonly [RegExp, string][] = [
  [/IPv(?=[46])/g, "Ipv"],
  [/OAuth(?=$|[A-Z0-9])/g, "Oauth"],
  [/IoT(?=$|[A-Z0-9])/g, "Iot"],
];

export function snakeCase(name: string): string {
  const even = ODD_WORDS.reduce((text, [odd, plain]) => text.replace(odd, plain), name);
  return (
    even
      // A plural of an acronym is one word: VPCs, ACLs.
      .replace(/([A-Z]{2,})s(?![a-z])/g, (_, acronym: string) => `_${capitalised(acronym)}s_`)
      .replace(/([A-Z]+)(?=[A-Z][a-z])/g, "$1_")
      .replace(/([a-z0-9])(?=[A-Z])/g, "$1_")
      .replace(/[^A-Za-z0-9]+/g, "_")
      .toLowerCase()
      .replace(/^_+|_+$/g, "")
      .replace(/__+/g, "_")
  );
}

const capitalised = (word: string) => word.charAt(0) + word.slice(1).toLowerCase();
