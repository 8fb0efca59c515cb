import type { RecentRefresh } from '../dashboard-state.js';
import { Moment } from './time-words.js';

type Props = { readonly recent: readonly RecentRefresh[]; readonly nowMs: number };

/** The last tokens that were obtained, each by its fingerprint. */
export function RecentCard({ recent, nowMs }: Props) {
  return (
    <section class="card" aria-labelledby="recent">
      <h2 id="recent">Recently</h2>
      {recent.length === 0 ? (
        <p class="quiet">No token was obtained.</p>
      ) : (
        <ul class="plain recent">
          {recent.map(({ atMs, profile, scope, by, token, code, tookMs }) => (
            <li key={`${String(atMs)} ${token ?? code ?? ''}`}>
              <span class={code === null ? 'dot good' : 'dot bad'} />
              <span class="wrap">
                {code === null ? 'token ' : 'failed '}
                <code>{token ?? code}</code> for {profile}, {scope}
                <span class="quiet">
                  {' '}
                  by km {by}, {Math.round(tookMs)} ms, <Moment at={atMs} nowMs={nowMs} />
                </span>
              </span>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
