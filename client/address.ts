import { isIPv6 } from 'node:net';

/** Where plain text may be spoken: nobody else hears what stays on this machine. `host:port`, or a host alone. */
export function isLoopback(address: string): boolean {
  // `::1` has no port, though it ends like one.
  const host = isIPv6(address) ? address : address.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}
