import type { QueueReport } from '../../queue/queue-report.js';
import { Moment } from './time-words.js';

type Props = { readonly queue: QueueReport; readonly nowMs: number };

const sized = (bytes: number): string =>
  bytes < 1_048_576 ? `${String(Math.ceil(bytes / 1_024))} KiB` : `${(bytes / 1_048_576).toFixed(1)} MiB`;

/** What waits to be delivered. */
export function QueueCard({ queue, nowMs }: Props) {
  const share = queue.maxBytes === 0 ? 0 : queue.bytes / queue.maxBytes;
  return (
    <section class="card" aria-labelledby="queue">
      <header>
        <h2 id="queue">Queue</h2>
        <p class={queue.waiting === 0 ? 'badge good' : 'badge warn'}>
          <span data-count="waiting">{queue.waiting}</span> waiting
        </p>
      </header>
      {queue.folder === null ? (
        <p class="quiet">No queue on the disk: events wait in memory.</p>
      ) : (
        <>
          <meter aria-label="Room that is used" value={share} max={1} high={0.8} low={0.5} optimum={0} />
          <p class="quiet">
            {sized(queue.bytes)} of {sized(queue.maxBytes)}
            {queue.revocations > 0 ? `, ${String(queue.revocations)} logins to be ended at the API` : ''}
          </p>
          <ul class="plain">
            {queue.accounts.map(({ profile, endpoint, waiting, oldestAt, refused, lastFailure }) => (
              <li key={`${profile ?? ''} ${endpoint ?? ''}`} class="wrap">
                <strong>{profile ?? 'an account that cannot be told'}</strong> {endpoint}: {waiting} waiting
                {oldestAt === null ? null : (
                  <span class="quiet">
                    , the oldest <Moment at={oldestAt} nowMs={nowMs} />
                  </span>
                )}
                {refused > 0 ? `, ${String(refused)} refused` : ''}
                {lastFailure === null ? null : <p class="failure">{lastFailure.reason}</p>}
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}
