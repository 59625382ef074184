import { isStorable } from '../commands/input.ts';
import { badUserInput } from './context.ts';

const lengthMax = 255;

/** Checks a text argument of a lookup. @throws {GraphQLError} BAD_USER_INPUT naming the argument. */
export function storable(name: string, value: string): string {
  if (value.length > lengthMax) throw badUserInput(name, `must have at most ${lengthMax} characters.`);
  if (!isStorable(value))
    throw badUserInput(name, 'contains a character that cannot be stored: NUL, or half of a surrogate pair.');
  return value;
}
