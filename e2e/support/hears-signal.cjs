/* Required before a program (`node --require`): says on stderr when it hears SIGINT, just before it acts on it. */
'use strict';
process.on('SIGINT', () => process.stderr.write('SIGINT was heard\n'));
