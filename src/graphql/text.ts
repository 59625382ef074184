import { isStorable } from '../commands/input.ts';
import { badUserInput } from './context.ts';

const lengthMax = 255;

/** Text to look something up by. @throws {GraphQLError} BAD_USER_INPUT naming the argument. */
export function storable(name: string, value: string): string {
  if (value.length > lengthMax) throw badUserInput(name, `must have at most ${lengthMax} characters.`);
  if (!isStorable(value)) throw badUserInput(name, 'holds a character that cannot be stored.');
  return value;
}
