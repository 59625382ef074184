/** What the whole run shares; made by global-setup.ts before the first test file and removed after the last. */
export type TestRun = {
  /** Holds every data directory of the run. */
  readonly dir: string;
  /** A data directory to be copied: development keys, and a migrated PGlite unless the run is on PostgreSQL. */
  readonly templateDataDir: string;
  /** A data directory with development keys alone, for all who do not write to it. */
  readonly keysDir: string;
  readonly server: TestServer | null;
};

/** The PostgreSQL server of a run with DATABASE_URL. Random names keep two runs on one server apart. */
export type TestServer = {
  /** Where databases are created and dropped from. */
  readonly adminUrl: string;
  /** All databases of the run begin with it. */
  readonly namePrefix: string;
  /** A migrated database, to be copied. */
  readonly templateName: string;
};

declare module 'vitest' {
  interface ProvidedContext {
    testRun: TestRun;
  }
}
