/**
 * `connecting`: a connection is being opened. `live`: the server sends events as they happen. `waiting`: the connection broke, and another
 * one is opened after a pause. `full`: the reader is behind; the connection is closed until it has caught up. `ended`: nothing follows.
 */
export const connectionStates = ['connecting', 'live', 'waiting', 'full', 'ended'] as const;
export type ConnectionState = (typeof connectionStates)[number];

/**
 * `opened`: the server accepted the connection. `received`: an event came. `overflowed`: the buffer has no room. `drained`: the reader has
 * taken everything. `dropped`: the connection broke, or failed with an error that passes. `refused`: an error that does not pass. `due`: the
 * pause is over, or the page is online or shown again. `moved`: the preferred transport can be opened again. `stopped`: the reader wants no
 * more.
 */
export const connectionInputs = [
  ...(['opened', 'received', 'overflowed', 'drained'] as const),
  ...(['dropped', 'refused', 'due', 'moved', 'stopped'] as const),
] as const;
export type ConnectionInput = (typeof connectionInputs)[number];

/** The state that follows. The same table is in the documentation of the package. */
export const connectionTable: Readonly<Record<ConnectionState, Readonly<Record<ConnectionInput, ConnectionState>>>> = {
  connecting: {
    ...{ opened: 'live', received: 'live', overflowed: 'full', drained: 'connecting' },
    ...{ dropped: 'waiting', refused: 'ended', due: 'connecting', moved: 'connecting', stopped: 'ended' },
  },
  live: {
    ...{ opened: 'live', received: 'live', overflowed: 'full', drained: 'live' },
    ...{ dropped: 'waiting', refused: 'ended', due: 'live', moved: 'connecting', stopped: 'ended' },
  },
  waiting: {
    ...{ opened: 'waiting', received: 'waiting', overflowed: 'waiting', drained: 'waiting' },
    ...{ dropped: 'waiting', refused: 'ended', due: 'connecting', moved: 'waiting', stopped: 'ended' },
  },
  full: {
    ...{ opened: 'full', received: 'full', overflowed: 'full', drained: 'connecting' },
    ...{ dropped: 'full', refused: 'ended', due: 'full', moved: 'full', stopped: 'ended' },
  },
  ended: {
    ...{ opened: 'ended', received: 'ended', overflowed: 'ended', drained: 'ended' },
    ...{ dropped: 'ended', refused: 'ended', due: 'ended', moved: 'ended', stopped: 'ended' },
  },
};
