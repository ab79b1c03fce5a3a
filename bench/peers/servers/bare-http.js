/** The least that a proxy on `http.request` can be: pipes, and nothing else. */
import { Agent, request } from 'node:http';
import { serve } from './listen.js';

serve((origin) => {
  const agent = new Agent({ keepAlive: true, scheduling: 'lifo' });
  const { hostname, port } = new URL(origin);
  return (incoming, outgoing) => {
    const { method, url: path, headers } = incoming;
    const options = { agent, hostname, port, method, path, headers };
    const call = request(options, (answer) => {
      outgoing.writeHead(answer.statusCode, answer.headers);
      answer.pipe(outgoing);
    });
    call.once('error', () => outgoing.destroy());
    outgoing.once('close', () => {
      if (!outgoing.writableFinished) call.destroy();
    });
    incoming.pipe(call);
  };
});
