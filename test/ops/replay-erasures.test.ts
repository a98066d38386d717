import { expect, test } from "vitest";
import { platformDomainId } from "../../src/core/ids.ts";
import { type LocalApi, localApi } from "../../src/ops/local-api.ts";
import { replayErasures } from "../../src/ops/replay-erasures.ts";

const FLAGS = ["--jurisdiction", "eu", "--url", "http://cell.test", "--root", "/nowhere"];
const SECRET = "MOONSEAL_OPERATOR_SECRET";

/** A cell with two pages of tenants; each log has a part after its first one. `left`: looks until a log is finished. */
function cellDouble(left: Record<string, number> = {}) {
  const asked: string[] = [];
  const api: LocalApi = {
    async get(path) {
      asked.push(path);
      if (path === "/v1/tenants?limit=200") return ok({ tenants: [{ id: "t1" }], next_cursor: "c 1" });
      if (path === "/v1/tenants?limit=200&cursor=c%201") return ok({ tenants: [{ id: "t2" }], next_cursor: null });
      return ok({ domains: [{ id: `${path.split("/")[3]}-a` }, { id: `${path.split("/")[3]}-b` }] });
    },
    async post(path, _, body) {
      const id = path.split("/")[3] as string;
      const { from } = body as { from: number };
      asked.push(`${id} ${from}`);
      if (from === 0) return ok({ erasures: 2, next_from: 200_000, unfinished: 2 });
      const unfinished = left[id] ?? 0;
      if (unfinished > 0) left[id] = unfinished - 1;
      return ok({ erasures: from === 200_000 ? 1 : 0, next_from: null, unfinished });
    },
  };
  const said: string[] = [];
  const ports = { api: () => api, wait: async () => {}, say: (line: string) => said.push(line) };
  return { asked, said, ports };
}

const ok = (body: unknown) => ({ status: 200, body });

test("every log of the cell is walked to its end, the platform's too, and waited for", async () => {
  process.env[SECRET] = "mso_test";
  const { asked, said, ports } = cellDouble({ "t2-b": 2 });
  expect(await replayErasures(FLAGS, ports)).toBe(0);
  for (const id of [platformDomainId("eu"), "t1-a", "t1-b", "t2-a", "t2-b"]) {
    expect(asked).toEqual(expect.arrayContaining([`${id} 0`, `${id} 200000`]));
  }
  expect(said.at(-1)).toBe("5 logs, 15 erasures executed again");
});

test("a log that does not finish is named by the exit code, and the others are walked", async () => {
  process.env[SECRET] = "mso_test";
  const { asked, said, ports } = cellDouble({ "t1-a": Number.MAX_SAFE_INTEGER });
  expect(await replayErasures(FLAGS, ports)).toBe(1);
  expect(asked).toContain("t2-b 200000");
  expect(said.at(-1)).toContain("1 logs not finished");
});

test.each([
  ["no jurisdiction", ["--url", "http://x"]],
  ["both places", [...FLAGS, "--local", "--remote"]],
  ["an unknown flag", [...FLAGS, "--force"]],
])("%s is a usage error", async (_, argv) => {
  expect(await replayErasures(argv, cellDouble().ports)).toBe(2);
});

test("a cell that does not answer is said in words, by its address", async () => {
  process.env[SECRET] = "mso_test";
  const { post } = localApi("http://127.0.0.1:1");
  await expect(post("/v1/x", "mso_test", {})).rejects.toThrow("http://127.0.0.1:1 does not answer");
});
