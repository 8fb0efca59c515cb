import { useEffect, useState } from 'preact/hooks';
import type { DashboardState } from '../dashboard-state.js';

/** What is known, and whether it is still being told. */
export type Live = {
  readonly state: DashboardState | undefined;
  readonly isConnected: boolean;
  /** Why the dashboard could not look, where it could not. */
  readonly trouble: string | undefined;
};

/** What the server tells, from now on. A connection that is lost comes back by itself. */
export function useLive(): Live {
  const [live, setLive] = useState<Live>({ state: undefined, isConnected: false, trouble: undefined });
  useEffect(() => {
    const source = new EventSource('/live');
    source.onopen = () => {
      setLive((before) => ({ ...before, isConnected: true }));
    };
    source.onerror = () => {
      setLive((before) => ({ ...before, isConnected: false }));
    };
    source.onmessage = ({ data }: MessageEvent<string>) => {
      setLive({ state: JSON.parse(data) as DashboardState, isConnected: true, trouble: undefined });
    };
    source.addEventListener('trouble', ({ data }: MessageEvent<string>) => {
      setLive((before) => ({ ...before, trouble: JSON.parse(data) as string }));
    });
    return () => {
      source.close();
    };
  }, []);
  return live;
}

/** The time, each second anew. */
export function useNow(): number {
  const [nowMs, setNowMs] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => {
      setNowMs(Date.now());
    }, 1_000);
    return () => {
      clearInterval(timer);
    };
  }, []);
  return nowMs;
}
