/** What every bench program does at its end: an exit code, and 2 with a sentence for bad usage. */

/** Runs `main`; a RangeError that it throws says what was wrong with the settings. */
export async function asProgram(main: () => Promise<number>): Promise<void> {
  try {
    process.exitCode = await main();
  } catch (thrown) {
    const isUsage = thrown instanceof RangeError;
    process.stderr.write(`${isUsage ? thrown.message : String(thrown)}\n`);
    process.exitCode = isUsage ? 2 : 1;
  }
}
