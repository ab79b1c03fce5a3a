/** npm's fast-proxy, which keeps connections by itself. */
import { requirePeer, serve } from './listen.js';

const fastProxy = requirePeer('fast-proxy');

serve((base) => {
  const { proxy } = fastProxy({ base });
  return (incoming, outgoing) => proxy(incoming, outgoing, incoming.url, {});
});
