/**
 * PIPELINE. A request, top to bottom. Above the loop: once per request. In the loop: once per
 * attempt.
 *
 * Must stay true: once the first frame of an answer is out there is no further attempt; `settle`
 * runs for every outcome, and every reservation goes back exactly once.
 */
import { asGatewayError } from './errors.ts';
import type { Exchange } from './exchange.ts';
import { fetchUpstream } from './stages/fetch.ts';
import { learn } from './stages/learn.ts';
import { mapModel } from './stages/map-model.ts';
import { punish } from './stages/punish.ts';
import { readBody } from './stages/read-body.ts';
import { relay } from './stages/relay.ts';
import { rewriteBody } from './stages/rewrite-body.ts';
import { selectKey } from './stages/select-key.ts';
import { settle } from './stages/settle.ts';

/** Serves one proxied request. Never rejects: whatever goes wrong is told to the client and
 *  logged. */
export async function handle(x: Exchange): Promise<void> {
  try {
    await readBody(x); // socket -> x.asked, bounded and checked
    mapModel(x); // x.asked.model -> x.route
    for (;;) {
      await selectKey(x); // x.lane with a reservation, at once or after a wait; else throws
      rewriteBody(x); // x.attempt, in the provider's words
      const fault =
        (await fetchUpstream(x)) ?? // x.answer: headers only, no body byte is read yet
        (await learn(x)) ?? // what the status and the headers teach
        (await relay(x)); // after the first byte there is no fault any more
      if (fault === null) return;
      await punish(x, fault); // someone rests; throws when nobody else could do better
    }
  } catch (thrown) {
    x.error ??= asGatewayError(thrown); // one that cut it short says more
    x.reply.fail(x.error);
  } finally {
    settle(x);
  }
}
