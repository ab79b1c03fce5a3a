/** What the command line says to every command. */
export interface Options {
  readonly config: string | undefined;
  readonly port: number | undefined;
  readonly bind: string | undefined;
  /** `run` falls back to the demo when nothing is configured (make run). */
  readonly orDemo: boolean;
}
