import { CREDENTIAL_NAMES } from '../../credential-kind.js';
import type { ProfileStatus, ScopeStatus } from '../../status/profile-status.js';
import { Moment } from './time-words.js';

const ANSWERS = {
  yes: { tone: 'good', words: 'Goes on by itself' },
  unsure: { tone: 'warn', words: 'May go on by itself' },
  no: { tone: 'bad', words: 'Needs you' },
} as const;

const STATES = {
  fresh: { tone: 'good', words: 'fresh' },
  due: { tone: 'warn', words: 'due' },
  expired: { tone: 'bad', words: 'expired' },
} as const;

type Props = { readonly profile: ProfileStatus; readonly nowMs: number };

/** One profile, with its scopes. */
export function ProfileCard({ profile, nowMs }: Props) {
  const { outlook, credential, scopes, lastFailure, note } = profile;
  const { tone, words } = ANSWERS[outlook.answer];
  return (
    <article class="card" aria-labelledby={`profile-${profile.profile}`}>
      <header>
        <h2 id={`profile-${profile.profile}`}>
          {profile.profile} {profile.isActive ? <span class="quiet small">active</span> : null}
        </h2>
        <p class={`badge ${tone}`}>{words}</p>
      </header>
      <p class="quiet wrap">
        {profile.endpoint} · {credential === null ? 'nobody is logged in' : CREDENTIAL_NAMES[credential]}
      </p>
      <p>
        {outlook.reason}
        {outlook.remedy === null ? null : (
          <>
            : <code>{outlook.remedy}</code>
          </>
        )}
      </p>
      {scopes.length === 0 ? (
        <p class="quiet">No token yet.</p>
      ) : (
        <ul class="scopes">
          {scopes.map((scope) => (
            <ScopeRow key={scope.scope} scope={scope} nowMs={nowMs} />
          ))}
        </ul>
      )}
      {lastFailure === null ? null : (
        <p class="failure">
          <strong>Last failure</strong>, <Moment at={lastFailure.at} nowMs={nowMs} />:{' '}
          <code>{lastFailure.code}</code> {lastFailure.message}
        </p>
      )}
      {note === null ? null : <p class="quiet">{note}</p>}
    </article>
  );
}

function ScopeRow({
  scope: { scope, state, expiresAt, refreshAt },
  nowMs,
}: {
  readonly scope: ScopeStatus;
  readonly nowMs: number;
}) {
  const { tone, words } = STATES[state];
  return (
    <li>
      <span class="wrap scope">{scope}</span>
      <span class={`badge ${tone}`}>{words}</span>
      <span class="quiet times">
        {state === 'expired' ? 'ended ' : 'ends '}
        <Moment at={expiresAt} nowMs={nowMs} />
        {state === 'fresh' ? (
          <>
            , next refresh <Moment at={refreshAt} nowMs={nowMs} />
          </>
        ) : null}
      </span>
    </li>
  );
}
