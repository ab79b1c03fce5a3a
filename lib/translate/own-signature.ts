/** How our own thinking blocks are told from a provider's: made for answers that were translated,
 *  cut out of what goes to a provider that would refuse a foreign one (WIRE.md §B.7). */
export const OWN_SIGNATURE = 'cdp1.';
