/**
 * The database cannot be opened as asked. The message is a sentence for whoever starts the process: it says what is wrong and what
 * to do, and never holds a password.
 */
export class DatabaseOpenError extends Error {}

/** Too many wait for the database. Nothing was done, so the caller may try again later. */
export class OverloadedError extends Error {}
