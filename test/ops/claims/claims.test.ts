/** The list of claims of this repository: what it says is so, and what is not so it says. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import type { Claims } from "../../../src/ops/claims/claims.ts";
import { claimsOfRepository } from "../../../src/ops/claims/repository.ts";
import { titlesOf } from "../../../src/ops/claims/run.ts";
import { REPOSITORY } from "../../../src/ops/paths.ts";

const read = (file: string) => readFileSync(path.join(REPOSITORY, file), "utf8");
let claims: Claims;
let faults: string[];

/** What a requirement lacks, the check of the claims tells; here it is the rows. */
const ofMatrices = () => faults.filter((fault) => !/^S\d-\d/.test(fault));

beforeAll(() => {
  ({ claims, faults } = claimsOfRepository(REPOSITORY));
});

describe("S4-38 the retention matrix", () => {
  const SUBJECTS = [
    "default-retention",
    "hot-retention",
    "cold-retention",
    "write-once",
    "right-to-erasure",
    "pii-minimisation",
    "residency",
    "caveat-values",
  ];

  test("has the eight properties, each with tests that exist", () => {
    expect(claims.retention.map(({ id }) => id)).toEqual(SUBJECTS);
    for (const { id, tests } of claims.retention) expect(tests.length, id).toBeGreaterThan(0);
    expect(ofMatrices()).toEqual([]);
  });
});

describe("S2-36 the map of the GDPR", () => {
  test("has articles 6, 7, 12 to 17, 20, 25, 30, 32 and 33, each with code and tests or with what is missing", () => {
    expect(claims.gdpr.map(({ id }) => id).join()).toBe("6,7,12,13,14,15,16,17,20,25,30,32,33");
    for (const { id, tests, code, missing } of claims.gdpr) {
      expect(tests.length > 0 ? code.length > 0 : missing !== null, id).toBe(true);
    }
    expect(ofMatrices()).toEqual([]);
  });

  test("every link of docs/claims.md leads to a file of the repository", () => {
    const links = [...read("docs/claims.md").matchAll(/\]\((?<target>[^)#\s]+)\)/g)].map(
      ({ groups }) => groups?.target ?? "",
    );
    expect(links.length).toBeGreaterThan(50);
    expect(links.filter((target) => !existsSync(path.join(REPOSITORY, "docs", target)))).toEqual([]);
  });
});

describe("the list", () => {
  test("has every requirement of docs/requirements.md: 38, 24, 46, 52 and 38", () => {
    const ofDocument = (id: string) => claims.claims.filter((claim) => claim.id.startsWith(`${id}-`)).length;
    expect(["S0", "S1", "S2", "S3", "S4"].map(ofDocument)).toEqual([38, 24, 46, 52, 38]);
  });

  test("says of each requirement without a test why there is none, and of none both", () => {
    const { claims: listed } = JSON.parse(read("docs/claims.json")) as Claims;
    expect(listed.length).toBe(198);
    for (const { id, status, missing, tests } of listed) {
      expect(tests.length > 0, id).toBe(status !== "missing");
      expect(missing === null, id).toBe(status === "tested");
    }
  });

  test("names each title in the file in which it stands", () => {
    const named = titlesOf(claims).filter(({ title }) => !title.includes("%") && !title.includes("${"));
    expect(named.length).toBeGreaterThan(300);
    for (const { file, title } of named) {
      const own = title.split(" > ").at(-1) ?? "";
      expect(read(file).replaceAll(/\\(["'`])/g, "$1"), `${file} > ${title}`).toContain(own);
    }
  });
});

test("S2-30 the README says which separation there is, that it is no hardware of one's own, and how to have that", () => {
  const readme = read("README.md").replaceAll("\n", " ");
  expect(readme).toContain("the isolation is logical, which is the default everywhere");
  expect(readme).toContain("A tenant that needs physical separation gets a deployment of its own");
});

describe("S0-36 docs/claims.md says that it is", () => {
  test.each(["It is not a certifier", "no\nsubstitute for your own data protection impact assessment (DPIA, Art. 35)"])(
    "%j",
    (words) => {
      expect(read("docs/claims.md")).toContain(words);
    },
  );

  test("and so does the README", () => {
    expect(read("README.md")).toContain("it is not a certifier and no substitute for your own impact assessment");
  });
});
