/** npm's http-proxy with kept connections. */
import { Agent } from 'node:http';
import { requirePeer, serve } from './listen.js';

const { createProxyServer } = requirePeer('http-proxy');

serve((target) => {
  const proxy = createProxyServer({ target, agent: new Agent({ keepAlive: true }) });
  proxy.on('error', (_fault, _incoming, outgoing) => outgoing.destroy());
  return (incoming, outgoing) => proxy.web(incoming, outgoing);
});
