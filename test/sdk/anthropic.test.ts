/** Both Anthropic SDKs in one process: to import them takes longer than most of these tests. */
import './anthropic-messages.ts';
import './anthropic-streams.ts';
import './anthropic-tools.ts';
import './anthropic-errors.ts';
import './anthropic-aborts.ts';
