import type { DashboardState } from '../dashboard-state.js';
import { durationWords } from './time-words.js';
import { UsageChart } from './usage-chart.js';

type Props = { readonly state: DashboardState };

const took = (ms: number): string =>
  ms < 1_000 ? `${String(Math.round(ms))} ms` : `${(ms / 1_000).toFixed(1)} s`;

/** How tokens were obtained in the last week. */
export function UsageCard({ state: { usage, steps } }: Props) {
  if (usage === null) {
    return (
      <section class="card" aria-labelledby="usage">
        <h2 id="usage">Tokens obtained</h2>
        <p class="quiet">Nothing is recorded here: KM_NO_ANALYTICS is set, or there is no home.</p>
      </section>
    );
  }
  const sum = (of: 'refreshes' | 'failures'): number => steps.reduce((all, step) => all + step[of], 0);
  const [refreshes, failures] = [sum('refreshes'), sum('failures')];
  return (
    <section class="card" aria-labelledby="usage">
      <header>
        <h2 id="usage">Tokens obtained</h2>
        <p class="quiet">
          in 7 days: <strong data-count="refreshes">{refreshes}</strong>, failed{' '}
          <strong data-count="failures">{failures}</strong>
        </p>
      </header>
      {refreshes + failures === 0 ? (
        <p class="quiet">None yet. Tokens that were at hand are not counted.</p>
      ) : (
        <UsageChart
          steps={steps}
          summary={`${String(refreshes)} obtained and ${String(failures)} failed in 7 days, in steps of 3 hours`}
        />
      )}
      {usage.scopes.length === 0 ? null : (
        <div class="scroll" role="region" aria-label="By profile and scope" tabIndex={0}>
          <table>
            <thead>
              <tr>
                <th scope="col">Profile, scope</th>
                <th scope="col" class="number">
                  Obtained
                </th>
                <th scope="col" class="number">
                  Failed
                </th>
                <th scope="col" class="number">
                  Took (middle / 95 %)
                </th>
                <th scope="col" class="number">
                  Lives
                </th>
              </tr>
            </thead>
            <tbody>
              {usage.scopes.map((scope) => (
                <tr key={`${scope.profile} ${scope.endpoint} ${scope.scope}`}>
                  <td>
                    {scope.profile}, {scope.scope}
                  </td>
                  <td class="number">{scope.refreshes}</td>
                  <td class="number">{scope.failures}</td>
                  <td class="number">
                    {scope.latencyMs === null
                      ? '–'
                      : `${took(scope.latencyMs.median)} / ${took(scope.latencyMs.p95)}`}
                  </td>
                  <td class="number">{scope.lifetimeMs === null ? '–' : durationWords(scope.lifetimeMs)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
