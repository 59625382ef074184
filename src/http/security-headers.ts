import helmet from 'helmet';

export type SecurityHeaders = Readonly<Record<string, string>>;

/**
 * The headers of every answer. An answer is not a page unless it replaces `content-security-policy`: nothing may be loaded, run or framed.
 * The address of a page may contain a token or a signature, so no other site learns it.
 *
 * @param isProduction browsers use https for a year from then on.
 */
export function securityHeaders(isProduction: boolean): SecurityHeaders {
  const setHeaders = helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        ...{ defaultSrc: ["'none'"], baseUri: ["'none'"], formAction: ["'none'"], frameAncestors: ["'none'"] },
      },
    },
    frameguard: { action: 'deny' },
    referrerPolicy: { policy: 'no-referrer' },
    strictTransportSecurity: isProduction,
    // Pages of merchants' origins may read the answers; `http/origins.ts` decides which.
    crossOriginResourcePolicy: { policy: 'cross-origin' },
  });
  const headers: Record<string, string> = {};
  const collector = {
    setHeader: (name: string, value: string) => {
      headers[name.toLowerCase()] = value;
    },
    removeHeader: () => {},
  };
  setHeaders({} as never, collector as never, (error) => {
    if (error !== undefined) throw error;
  });
  return headers;
}
