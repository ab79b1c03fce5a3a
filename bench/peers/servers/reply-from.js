/** @fastify/reply-from under fastify: bodies are passed on as streams, nothing is logged. */
import { LISTENERS, requirePeer } from './listen.js';

const fastify = requirePeer('fastify');
const replyFrom = requirePeer('@fastify/reply-from');

/** Its pool has 128 of them by default, which ends what is open at once. */
const MANY = 8_192;

for (const { port, origin } of LISTENERS) {
  const app = fastify({ bodyLimit: 64 * 1024 * 1024 });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
  app.register(replyFrom, { base: origin, undici: { connections: MANY } });
  app.all('/*', (request, reply) => reply.from(request.url));
  await app.listen({ port, host: '127.0.0.1' });
}
