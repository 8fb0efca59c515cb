import { Hono } from 'hono';
import * as v from 'valibot';
import { accessOf, requireToken } from '../authenticate.js';
import { HttpProblem } from '../http-problem.js';
import { check, readJson, type Flaw } from '../request-body.js';
import type { ApiEnv, Services } from '../services.js';

const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/i;

const Text = v.string('text');
const Timestamp = v.pipe(
  v.string('an RFC 3339 time'),
  v.check((text) => RFC3339.test(text) && !Number.isNaN(Date.parse(text)), 'an RFC 3339 time'),
);
const Base64 = v.pipe(
  v.string('base64 text'),
  v.check((text) => Buffer.from(text, 'base64').toString('base64') === text, 'base64 text'),
);
const Count = 'a whole number, 0 or more';

const Event = v.object(
  {
    id: v.pipe(
      v.string('text'),
      v.nonEmpty('text that is not empty'),
      v.maxLength(256, 'at most 256 characters'),
    ),
    timestamp: Timestamp,
    direction: v.picklist(['inbound', 'outbound'], 'inbound or outbound'),
    method: v.nullish(Text),
    payload: Base64,
    size: v.pipe(v.number(Count), v.safeInteger(Count), v.minValue(0, Count)),
    correlationId: Text,
  },
  'an object',
);

const Batch = v.object(
  {
    events: v.array(Event, 'a list of events'),
    correlationId: Text,
    cliVersion: Text,
    batchTimestamp: Timestamp,
  },
  'a JSON object',
);

/** `POST /api/events/batch`: stores each event once, all of a batch or none. */
export function eventsRoute(services: Services): Hono<ApiEnv> {
  const { events, settings, store } = services;
  const routes = new Hono<ApiEnv>();
  routes.post('/api/events/batch', requireToken(services, 'monitoring'), async (c) => {
    const access = accessOf(c);
    const checked = check(Batch, await readJson(c, settings.maxBodyBytes));
    if ('flaw' in checked) throw malformed(checked.flaw);
    const batch = checked.value;
    const receivedAtMs = settings.now();
    const stored = store.transaction(() => {
      store.counters.add('batches_stored', receivedAtMs);
      return batch.events.filter((event) =>
        store.events.add({
          ...event,
          method: event.method ?? null,
          payload: Buffer.from(event.payload, 'base64'),
          batchCorrelationId: batch.correlationId,
          cliVersion: batch.cliVersion,
          subject: access.subject,
          receivedAtMs,
        }),
      ).length;
    });
    const seenBefore = batch.events.length - stored;
    events.emit({
      type: 'batch.stored',
      subject: access.subject,
      accessToken: access.fingerprint,
      stored,
      seenBefore,
      cliVersion: batch.cliVersion,
    });
    return c.json({
      success: true,
      message: `stored ${stored}, seen before ${seenBefore}`,
    });
  });
  return routes;
}

function malformed(flaw: Flaw): HttpProblem {
  const index = /^events\[(\d+)\]/.exec(flaw.path)?.[1];
  return new HttpProblem(400, 'invalid_request', flaw.message, {
    success: false,
    ...(index === undefined ? {} : { index: Number(index) }),
  });
}
