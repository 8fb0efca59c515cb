import type { UsageReport } from '../../analytics/usage-report.js';
import { Moment } from './time-words.js';

type Props = { readonly usage: UsageReport | null; readonly nowMs: number };

/** What a person should look at; nothing where there is nothing. */
export function UnusualCard({ usage, nowMs }: Props) {
  if (usage === null || usage.unusual.length === 0) return null;
  return (
    <section class="card alarm" aria-labelledby="unusual">
      <header>
        <h2 id="unusual">Unusual</h2>
        <p class="badge warn">{usage.unusual.length}</p>
      </header>
      <ul class="plain">
        {usage.unusual.map(({ kind, profile, scope, message, lastAt }) => (
          <li key={`${kind} ${profile} ${scope ?? ''}`}>
            <strong>
              {profile}
              {scope === null ? '' : `, ${scope}`}
            </strong>{' '}
            {message}{' '}
            <span class="quiet">
              (last <Moment at={lastAt} nowMs={nowMs} />)
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
