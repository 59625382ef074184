/** Types for the part of the package that is used here; the package has none. */
declare module 'cli-progress' {
  export class MultiBar {
    constructor(options: { readonly format: string; readonly clearOnComplete: boolean }, preset: object);
    create(total: number, startValue: number, payload: object): SingleBar;
    log(text: string): void;
    stop(): void;
  }
  export class SingleBar {
    update(value: number, payload: object): void;
  }
  export const Presets: { readonly shades_classic: object };
}
