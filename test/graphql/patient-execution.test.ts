import { type ExecutionResult, GraphQLError } from 'graphql';
import { expect, test } from 'vitest';
import { OverloadedError } from '../../src/database/database.ts';
import { attemptsMax, executePatiently } from '../../src/graphql/patient-execution.ts';

const failed = (originalError: Error): ExecutionResult => ({
  data: null,
  errors: [new GraphQLError('failed', { originalError })],
});
const away = failed(new OverloadedError('The connection is lost.'));
const tooSlow = failed(new OverloadedError('The statement took too long.', '57014', true));

/** The result after these attempts, and how often there was a pause. */
async function execute(attempts: Iterator<ExecutionResult>, isWanted = () => true) {
  let pauses = 0;
  const givenUp: string[] = [];
  const result = await executePatiently({
    attempt: async () => attempts.next().value,
    isWanted,
    onGiveUp: ({ message }) => givenUp.push(message),
    async pause() {
      pauses += 1;
    },
  });
  return { result, pauses, givenUp };
}

function* repeated(result: ExecutionResult, times: number, last?: ExecutionResult) {
  for (let time = 0; time < times; time += 1) yield result;
  if (last !== undefined) yield last;
}

test('an execution is repeated for as long as the database is away', async () => {
  const done = { data: { order: null } };
  const long = 100 * attemptsMax;
  expect(await execute(repeated(away, long, done))).toEqual({ result: done, pauses: long, givenUp: [] });
});

test('an execution that always fails while the database answers is given up, with a pause between any two attempts', async () => {
  const { result, pauses, givenUp } = await execute(repeated(tooSlow, attemptsMax));
  expect({ result, pauses, givenUp }).toEqual({
    ...{ result: null, pauses: attemptsMax - 1 },
    givenUp: ['The statement took too long.'],
  });
});

test('an execution that nobody wants any more is not repeated', async () => {
  let left = 5;
  const isWanted = () => {
    left -= 1;
    return left > 0;
  };
  const { result, pauses, givenUp } = await execute(repeated(away, 100), isWanted);
  expect({ result, pauses, givenUp }).toEqual({ result: null, pauses: 4, givenUp: [] });
});

test('an error of the operation itself is its result at once', async () => {
  const wrong = failed(new Error('a bug'));
  expect(await execute(repeated(wrong, 1))).toEqual({ result: wrong, pauses: 0, givenUp: [] });
});
