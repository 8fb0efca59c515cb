import { useLive, useNow } from './live.js';
import { ProfileCard } from './profile-card.js';
import { QueueCard } from './queue-card.js';
import { RecentCard } from './recent-card.js';
import { UnusualCard } from './unusual-card.js';
import { UsageCard } from './usage-card.js';

export function Dashboard() {
  const { state, isConnected, trouble } = useLive();
  const nowMs = useNow();
  return (
    <>
      <header class="top">
        <h1>
          km <span class="quiet">dashboard</span>
        </h1>
        <p class={isConnected ? 'badge good' : 'badge bad'} role="status">
          {isConnected ? 'Live' : 'Not connected'}
        </p>
      </header>
      {trouble === undefined ? null : (
        <p class="notice bad" role="alert">
          The dashboard cannot look: {trouble}
        </p>
      )}
      {state?.notices.map((notice) => (
        <p key={notice} class="notice warn" role="alert">
          {notice}
        </p>
      ))}
      {state === undefined ? (
        <main class="waiting" aria-busy="true">
          Looking …
        </main>
      ) : (
        <main>
          <section class="profiles" aria-label="Profiles">
            {state.status.profiles.map((profile) => (
              <ProfileCard key={profile.profile} profile={profile} nowMs={nowMs} />
            ))}
          </section>
          <UnusualCard usage={state.usage} nowMs={nowMs} />
          <UsageCard state={state} />
          <div class="pair">
            <RecentCard recent={state.recent} nowMs={nowMs} />
            <QueueCard queue={state.queue} nowMs={nowMs} />
          </div>
        </main>
      )}
      {state === undefined ? null : (
        <footer class="quiet">
          km {state.version} · tokens in {state.status.cache.kind}{' '}
          {state.status.cache.address ?? state.status.cache.folder} · shows, and changes nothing
        </footer>
      )}
    </>
  );
}
