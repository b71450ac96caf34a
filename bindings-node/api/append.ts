/**
 * Appends a piece to the first `length` bytes, in the same memory if it has room, and returns the memory. A list of the
 * pieces would be simpler, but a million pieces of one byte, which anyone may send, would take a hundred times the
 * memory.
 */
export function append(bytes: Uint8Array<ArrayBuffer>, length: number, piece: Uint8Array): Uint8Array<ArrayBuffer> {
  const end = length + piece.length;
  let room = bytes;
  if (end > bytes.length) {
    room = new Uint8Array(length === 0 ? end : end * 2);
    room.set(bytes.subarray(0, length));
  }
  room.set(piece, length);
  return room;
}
