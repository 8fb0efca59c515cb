import { hash } from 'node:crypto';

/**
 * Names a secret without telling it: the first 8 hex digits of its SHA-256.
 *
 * Fit for logs and for telling two secrets of one user apart; not for looking one up among millions.
 */
export function fingerprintOf(text: string): string {
  return hash('sha256', text, 'hex').slice(0, 8);
}
