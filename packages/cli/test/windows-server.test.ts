import { EventEmitter } from 'node:events';
import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { ServerProcess } from '../src/monitor/server-process.js';
import { windowsCommand } from '../src/monitor/windows-command.js';
import { signalTree } from '../src/monitor/windows-tree.js';

/*
 * How servers are started and ended on Windows, tried here with what Windows would say: nothing of this was run there.
 */

const NODE = 'C:\\Program Files\\nodejs';
const environment = {
  path: `C:\\tools;${NODE}`,
  SYSTEMROOT: 'D:\\Windows',
  PATHEXT: '.COM;.EXE;.BAT;.CMD;.JS',
};
const files = [
  `${NODE}\\node.exe`,
  `${NODE}\\npx`,
  `${NODE}\\npx.CMD`,
  'C:\\tools\\odd%name.bat',
  './local.cmd',
];
const isFile = (path: string) => files.some((each) => each.toLowerCase() === path.toLowerCase());
const start = (...command: [string, ...string[]]) => windowsCommand(command, { environment, isFile });

/** The command line that `cmd.exe` is given, without what it is told of itself. */
function lineOf(...command: [string, ...string[]]): string {
  const { file, args, isVerbatim } = start(...command);
  expect([file, isVerbatim, args.slice(0, -1)]).toEqual([
    'D:\\Windows\\System32\\cmd.exe',
    true,
    ['/e:on', '/v:off', '/d', '/s', '/c'],
  ]);
  return args.at(-1) ?? '';
}

describe('a server on Windows', () => {
  test('that is a program is started as it is', () => {
    expect(start('node', 'a b', '"%PATH%"')).toEqual({
      file: `${NODE}\\node.EXE`,
      args: ['a b', '"%PATH%"'],
      isVerbatim: false,
    });
    expect([start('unknown').file, start('unknown.cmd').file]).toEqual(['unknown', 'unknown.cmd.exe']);
  });

  test('that is a batch file is started by cmd.exe', () => {
    expect(lineOf('npx', '-y', '@scope/server@1.2')).toBe(`""${NODE}\\npx.CMD" -y @scope/server@1.2"`);
    expect(lineOf('./local.cmd')).toBe('""local.cmd""');
    expect(lineOf('odd%name')).toBe('""C:\\tools\\odd%%cd:~,%name.BAT""');
  });

  test.each([
    ['', '""'],
    ['a b', '"a b"'],
    ['a&calc', '"a&calc"'],
    ['"&calc', '"""&calc"'],
    ['\\"&calc&"', '"\\\\""&calc&"""'],
    ['%PATH%', '"%%cd:~,%PATH%%cd:~,%"'],
    ['^', '"^"'],
    ['!x!', '"!x!"'],
    ['C:\\dir\\', '"C:\\dir\\\\"'],
    ['{"a":"b"}', '"{""a"":""b""}"'],
  ])('gives a batch file the argument %j, and nothing more to run', (argument, expected) => {
    expect(lineOf('npx', argument)).toBe(`""${NODE}\\npx.CMD" ${expected}"`);
  });

  test.each(['a\nb', 'a\rb', 'a\0b'])('gives no batch file %j', (argument) => {
    expect(() => lineOf('npx', argument)).toThrow(/^cannot start the server: it is a batch file, /);
  });

  /** A server as Windows has it, and what is run to end it. */
  function startedServer() {
    const child = Object.assign(new EventEmitter(), {
      stdin: new PassThrough(),
      stdout: new PassThrough(),
      stderr: null,
    });
    const runs: string[] = [];
    const server = new ServerProcess(child, 4711, (signal) =>
      signalTree(4711, signal, { environment, run: (file, args) => runs.push([file, ...args].join(' ')) }),
    );
    return { child, server, runs };
  }

  test('is ended with all it started, as nobody there hears a signal', () => {
    const { server, runs } = startedServer();
    expect(server.signalGroup('SIGTERM')).toBe(true);
    expect(runs).toEqual(['D:\\Windows\\System32\\taskkill.exe /pid 4711 /t /f']);
    server.abandon();
    expect(runs).toHaveLength(2);
  });

  test('is not ended by Ctrl-C, which its console tells it, nor by a question', () => {
    const { server, runs } = startedServer();
    expect([server.signalGroup('SIGINT'), server.signalGroup(0)]).toEqual([true, true]);
    expect(runs).toEqual([]);
  });

  test('that has ended is let be: its process id may be that of another', async () => {
    const { child, server, runs } = startedServer();
    child.emit('exit', 0, null);
    await server.exited;
    expect([server.signalGroup(0), server.signalGroup('SIGKILL')]).toEqual([false, false]);
    server.abandon();
    expect(runs).toEqual([]);
  });

  test('that taskkill is not there for ends alone, or has ended', () => {
    const fail = {
      environment,
      run: (_: string, __: readonly string[], onFailure: () => void) => onFailure(),
    };
    // No process has such an id.
    expect(() => signalTree(2 ** 30, 'SIGKILL', fail)).not.toThrow();
  });
});
