import type { EventBatch, MonitorEvent } from '../../src/monitor/monitor-event.js';

export function eventNamed(id: string, payload = '{}'): MonitorEvent {
  return {
    id,
    timestamp: '2026-01-01T00:00:00.000Z',
    direction: 'outbound',
    method: 'ping',
    payload: Buffer.from(payload),
    size: 2,
    correlationId: 'session',
  };
}

export function batchOf(...ids: readonly string[]): EventBatch {
  return {
    events: ids.map((id) => eventNamed(id)),
    correlationId: 'session',
    cliVersion: '0.0.0',
    batchTimestamp: '2026-01-01T00:00:00.000Z',
  };
}
