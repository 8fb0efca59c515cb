import type { Readable, Writable } from 'node:stream';
import type { Clock, SignalledProcess } from '@kilometers/auth';
import type { Network } from './network/network.js';

/** What a command gets from the process it runs in. */
export type CommandContext = Network & {
  readonly version: string;
  /** The command that runs, as in `auth token`. */
  readonly commandName: () => string;
  /** Where the bundles are. */
  readonly bundleFolder: string;
  readonly environment: NodeJS.ProcessEnv;
  /** `KM_DEBUG=true`: more is said on stderr, and failures show their stack. */
  readonly isDebug: boolean;
  readonly clock: Clock;
  /** From 0 up to, not including, 1. */
  readonly random: () => number;
  /** A new UUID. */
  readonly createId: () => string;
  /** The process's own streams, opened when they are asked for. */
  readonly stdin: () => Readable;
  readonly stdout: () => Writable;
  readonly stderr: () => Writable;
  /** stdout where somebody may be looking at it: no file and no pipe. */
  readonly screen: () => Writable | undefined;
  /** Writes the answer to stdout. Resolves with whether somebody still reads there, and rejects when it cannot be written. */
  readonly answer: (text: string) => Promise<boolean>;
  /** Writes one line to stderr. */
  readonly tell: (line: string) => void;
  /** Writes to stderr as it stands, for who sits at the terminal. */
  readonly prompt: (text: string) => void;
  /** Calls `listener` when the process ends, for whatever reason but SIGKILL. */
  readonly onExit: (listener: () => void) => void;
  /** This process, as the signals' target. */
  readonly process: SignalledProcess;
  /** Calls `listener` on SIGINT, SIGTERM and SIGHUP instead of ending; returns what ends that. */
  readonly onSignal: (listener: (signal: NodeJS.Signals) => void) => () => void;
};
