/** One line of a matrix: what has to hold, where the code is, and the tests that show it. Pure. */

export interface MatrixRow {
  /** Within its matrix. */
  id: string;
  subject: string;
  /** What has to hold, in one sentence of Markdown. */
  asks: string;
  /** How this product does it. */
  here: string;
  /** Files and folders of the repository. */
  code: readonly string[];
  /** A file of tests, then titles: `test/x.test.ts > group > title`. A group stands for all tests in it. */
  tests: readonly string[];
  /** What is not there yet. A row without tests has to say it. */
  missing?: string;
}
