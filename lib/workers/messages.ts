/**
 * What the main thread and those that serve say to each other. Everything is data that can be
 * cloned; what functions there are is looked up again on the other side (sent-config.ts).
 */
import type { Place } from '../buckets.ts';
import type { Bucket } from '../quotas/bucket.ts';
import type { Verdict } from '../quotas/cooldown-rules.ts';
import type { SentConfig } from './sent-config.ts';

/** A configuration, and the places of its buckets in the table of all. */
export interface Setup {
  readonly config: SentConfig;
  readonly places: readonly Place[];
  readonly verdicts: readonly (readonly [Bucket, Verdict])[];
}

/** What a thread is born with. */
export interface Birth {
  readonly index: number;
  readonly threads: number;
  /** The quota table, and the board. */
  readonly table: SharedArrayBuffer;
  readonly board: SharedArrayBuffer;
  readonly setup: Setup;
  /** By model id: reported / estimated tokens. */
  readonly calibrations: Readonly<Record<string, number>>;
  readonly startedMs: number;
  readonly isTerminal: boolean;
}

/** What one thread has learned and the others should know. Limits, rests and counts are not news:
 *  they are in the table. */
export type News =
  | { readonly kind: 'verdict'; readonly bucket: Bucket; readonly verdict: Verdict }
  | { readonly kind: 'calibration'; readonly model: string; readonly factor: number }
  | {
      readonly kind: 'warmth';
      readonly key: string;
      readonly org: Bucket;
      readonly nowMs: number;
    };

export type ToThread =
  | { readonly kind: 'swap'; readonly setup: Setup }
  | { readonly kind: 'news'; readonly news: News }
  /** Asks for the metrics of this thread. */
  | { readonly kind: 'render'; readonly id: number }
  /** The metrics of all threads, for whoever asked. */
  | { readonly kind: 'metrics'; readonly text: string }
  | { readonly kind: 'drain'; readonly timeoutMs: number }
  | { readonly kind: 'cut' };

export type FromThread =
  | { readonly kind: 'listening' }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }
  /** Whole lines of the log. */
  | { readonly kind: 'lines'; readonly text: string }
  | { readonly kind: 'news'; readonly news: News }
  /** Somebody wants the metrics of all threads. */
  | { readonly kind: 'scrape' }
  | { readonly kind: 'rendered'; readonly id: number; readonly text: string }
  /** The last word of a thread. */
  | { readonly kind: 'drained'; readonly clean: boolean };
