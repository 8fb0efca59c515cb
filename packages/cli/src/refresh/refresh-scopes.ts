import { AuthError, isAuthError, type AuthEvent, type AuthManager, type AuthToken } from '@kilometers/auth';

/** What became of one scope. */
export type ScopeRefresh = { readonly scope: string } & (
  | {
      /** `adopted`: another process was faster, and its token was taken. */
      readonly outcome: 'refreshed' | 'adopted' | 'not-due';
      readonly token: AuthToken;
    }
  | { readonly outcome: 'failed'; readonly error: AuthError }
);

export type RefreshOptions = {
  readonly manager: AuthManager;
  readonly scopes: readonly string[];
  /** What is stored for each scope before anything is asked. */
  readonly stored: ReadonlyMap<string, AuthToken>;
  /** Only what is past its refresh point, or missing. */
  readonly ifDue: boolean;
};

/** Refreshes scope by scope. One that fails does not keep the others from it. */
export async function refreshScopes(options: RefreshOptions): Promise<readonly ScopeRefresh[]> {
  const results: ScopeRefresh[] = [];
  // Of one request there may be a token for more than one scope.
  const obtained = new Set<string>();
  for (const scope of options.scopes) results.push(await refreshScope(scope, options, obtained));
  return results;
}

async function refreshScope(
  scope: string,
  { manager, stored, ifDue }: RefreshOptions,
  obtained: Set<string>,
): Promise<ScopeRefresh> {
  const before = stored.get(scope);
  const seen: AuthEvent[] = [];
  const unsubscribe = manager.subscribe((event) => {
    seen.push(event);
    if (event.type === 'token.refreshed' || event.type === 'token.issued') obtained.add(event.token);
  });
  try {
    // A token that a refresh of another scope has replaced already is not replaced again.
    const token = await (ifDue
      ? manager.getValidToken(scope, { wait: 'if-due' })
      : manager.forceRefresh(scope, before === undefined ? {} : { rejected: before }));
    const failure = seen.find((event) => event.type === 'refresh.failed');
    if (token.fingerprint === before?.fingerprint) {
      // It was due, could not be refreshed, and is still good.
      if (failure === undefined) return { scope, outcome: 'not-due', token };
      return { scope, outcome: 'failed', error: new AuthError(failure.code, failure.message) };
    }
    return { scope, outcome: obtained.has(token.fingerprint) ? 'refreshed' : 'adopted', token };
  } catch (error) {
    if (!isAuthError(error)) throw error;
    return { scope, outcome: 'failed', error };
  } finally {
    unsubscribe();
  }
}
