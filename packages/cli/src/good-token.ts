import { isUsable, type AuthToken } from '@kilometers/auth';

/** `token`, where it is good for as long as is wanted, be it due. */
export function goodToken(
  token: AuthToken | undefined,
  { minValidMs, nowMs }: { readonly minValidMs: number; readonly nowMs: number },
): AuthToken | undefined {
  const isGood = token !== undefined && isUsable(token, nowMs) && token.remainingMs(nowMs) >= minValidMs;
  return isGood ? token : undefined;
}
