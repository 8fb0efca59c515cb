/** The formats of which the reader may be content with a token that has ended; who reads the others asks a service with it. */
const OFFLINE_FORMATS: readonly string[] = ['raw', 'header', 'dpop-header', 'json'];

export function isForOffline(format: string): boolean {
  return OFFLINE_FORMATS.includes(format);
}
