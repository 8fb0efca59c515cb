import type { MonitorNotice, NoticeListener } from './monitor-notice.js';

/** Tells a person what only a person can mend: on stderr, each kind once a session. */
export function createMonitorMessages(tell: (message: string) => void): NoticeListener {
  const told = new Set<string>();
  let lastFailure = '';
  return (notice) => {
    if (notice.type === 'batch.postponed') lastFailure = notice.reason;
    if (notice.type === 'session.ended' && notice.undelivered > 0) {
      tell(
        `${countOf(notice.undelivered)} could not be delivered and ${notice.undelivered === 1 ? 'is' : 'are'} lost: ${lastFailure}`,
      );
    }
    const message = messageFor(notice);
    if (message === undefined || told.has(notice.type)) return;
    told.add(notice.type);
    tell(message);
  };
}

function messageFor(notice: MonitorNotice): string | undefined {
  switch (notice.type) {
    case 'batch.postponed':
      return notice.needsHuman
        ? `monitoring goes on, but no event is delivered: ${notice.reason}`
        : undefined;
    case 'batch.refused':
      return `the API refused ${countOf(notice.batch.events.length)} (${notice.reason}); a newer km may help`;
    case 'events.dropped':
      return 'events come faster than the API takes them: the oldest are given up';
    default:
      return undefined;
  }
}

/** `1 event`, `2 events`. */
export function countOf(events: number): string {
  return events === 1 ? '1 event' : `${events} events`;
}
