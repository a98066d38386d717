/** Parts of a document that a program writes: between `<!-- name: written by … -->` and `<!-- end of name -->`. Pure. */

/** The document with each block in its place. Throws when a block has no place, or more than one. */
export function withBlocks(document: string, blocks: Readonly<Record<string, string>>): string {
  return Object.entries(blocks).reduce((text, [name, block]) => {
    const place = new RegExp(`(<!-- ${name}: [^\\n]* -->\\n).*?(<!-- end of ${name} -->)`, "gs");
    if ([...text.matchAll(place)].length !== 1) throw new Error(`the document has no one place for ${name}`);
    return text.replace(place, (_, begin: string, end: string) => `${begin}\n${block}\n\n${end}`);
  }, document);
}
