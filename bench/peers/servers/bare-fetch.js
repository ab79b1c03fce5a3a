/** The least that a proxy on the platform's `fetch` can be. */
import { serve } from './listen.js';

/** Headers of one hop, and those that fetch writes itself. */
const OWN = new Set(['connection', 'content-length', 'host', 'keep-alive', 'transfer-encoding']);

async function relay(origin, incoming, outgoing) {
  const chunks = [];
  for await (const chunk of incoming) chunks.push(chunk);
  const left = new AbortController();
  outgoing.once('close', () => left.abort());
  const answer = await fetch(origin + incoming.url, {
    method: incoming.method,
    headers: Object.entries(incoming.headers).filter(([name]) => !OWN.has(name)),
    body: Buffer.concat(chunks),
    signal: left.signal,
  });
  const headers = [...answer.headers].filter(([name]) => !OWN.has(name));
  outgoing.writeHead(answer.status, Object.fromEntries(headers));
  for await (const chunk of answer.body) outgoing.write(chunk);
  outgoing.end();
}

serve((origin) => (incoming, outgoing) => {
  relay(origin, incoming, outgoing).catch(() => outgoing.destroy());
});
