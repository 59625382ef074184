import { z } from 'zod';
import { tokenRoles } from '../domain/signing-key.ts';
import { name } from './input.ts';

/** Who a token stands for: the merchant's own id of the person. For a customer it is the `customerId` of orders. */
export const subject = name(255);

/** The claims that a JWT must have besides its audience. */
export const tokenClaims = z.object({
  sub: subject,
  role: z
    .string()
    .transform((role) => role.toUpperCase())
    .pipe(z.enum(tokenRoles)),
  exp: z.number(),
});
