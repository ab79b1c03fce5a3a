/** Is a host name or address this machine itself? Used by the bind rule and against DNS
 *  rebinding. */

/** Takes a bare name or address (no port, no brackets). 127.0.0.0/8, ::1, localhost and its
 *  subdomains. */
export function isLoopbackHost(host: string): boolean {
  const name = host.toLowerCase().replace(/\.$/, '');
  return (
    name === 'localhost' ||
    name.endsWith('.localhost') ||
    name === '::1' ||
    name === '0:0:0:0:0:0:0:1' ||
    /^(::ffff:)?127(\.\d{1,3}){3}$/.test(name)
  );
}
