/**
 * Traces the objects of a mask row by row: rings along the edges of pixels, each object as soon as it is complete. In memory are
 * the last two rows and the outlines of objects that are not complete, not the mask.
 *
 * A scan over the corners of pixels: at each corner the edges between inside and outside meet, two or four of them, and an
 * outline comes in by one and goes out by another. Outlines have the inside on their right (x to the right, y down), so outer
 * rings run clockwise on the screen and holes the other way. Pixels that touch at a corner only are not connected.
 */

/** A corner of a pixel: column and row, from 0 to width and height. */
export type Corner = readonly [x: number, y: number];

/** A closed outline, the first corner not repeated; only the corners where it turns. It may touch itself at a corner. */
export type Ring = readonly Corner[];

/** Outlines of an object: of pixels connected by their sides. */
export interface TracedObject {
  /** Outline around the object, clockwise on the screen. */
  readonly outer: Ring;
  /** Outlines of what the object encloses, the other way round. */
  readonly holes: readonly Ring[];
}

/** A corner of an open outline, and the one after it. */
interface Node {
  readonly x: number;
  readonly y: number;
  next: Node | undefined;
}

/** One end of an open outline. */
interface End {
  /** Corner at this end: the first or the last of the outline. */
  node: Node;
  /** Other end of the outline. */
  other: End;
}

/** Traces the objects of one mask, which is given row by row. */
export class RingTracer {
  readonly #width: number;
  readonly #onObject: (object: TracedObject) => void;
  readonly #objects: Objects;
  /** Row above the corners in work: 1 inside, with a column of 0 on either side. */
  #above: Uint8Array;
  /** Row below the corners in work, likewise. */
  #below: Uint8Array;
  /** Outline that comes down to the corners in work, for each column. */
  readonly #down: (End | undefined)[];
  #y = 0;

  /** @param onObject called with each object as soon as it is complete. */
  constructor(width: number, onObject: (object: TracedObject) => void) {
    this.#width = width;
    this.#onObject = onObject;
    this.#above = new Uint8Array(width + 2);
    this.#below = new Uint8Array(width + 2);
    this.#down = new Array<End | undefined>(width + 1).fill(undefined);
    this.#objects = new Objects(width);
  }

  /**
   * Takes the mask's next row.
   *
   * @param row width values; any but 0 is inside.
   */
  add(row: Uint8Array): void {
    for (let x = 0; x < this.#width; x++) this.#below[x + 1] = row[x] === 0 ? 0 : 1;
    this.#objects.add(this.#above, this.#below);
    this.#corners();
    [this.#above, this.#below] = [this.#below, this.#above];
    this.#y++;
  }

  /** Closes the outlines that are open at the mask's lower edge. */
  finish(): void {
    this.add(new Uint8Array(this.#width));
  }

  #corners(): void {
    const [above, below] = [this.#above, this.#below];
    let right: End | undefined;
    for (let x = 0; x <= this.#width; x++) {
      const kind = above[x]! | (above[x + 1]! << 1) | (below[x]! << 2) | (below[x + 1]! << 3);
      if (kind === 0 || kind === 15) continue;
      right = this.#corner(kind, x, right);
    }
  }

  /**
   * Leads the outlines past a corner.
   *
   * @param kind sum of the pixels around the corner that are inside: 1 upper left, 2 upper right, 4 lower left, 8 lower right.
   * @param left outline on the edge that comes from the left, where there is one.
   * @returns outline on the edge to the right.
   */
  #corner(kind: number, x: number, left: End | undefined): End | undefined {
    const up = this.#down[x];
    this.#down[x] = undefined;
    switch (kind) {
      case 3: // the lower edge of an object, and its upper edge
      case 12:
        return left;
      case 5: // a right edge, and a left edge
      case 10:
        this.#down[x] = up;
        return undefined;
      case 1: // the object's lower right corner: from above to the left
        this.#join(up!, left!, x);
        return undefined;
      case 14: // a hole's lower right corner: from the left upwards
        this.#join(left!, up!, x);
        return undefined;
      case 2: // lower left corner: from the right upwards
        return this.#lead(up!, x);
      case 13: // a hole's lower left corner: from above to the right
        return this.#follow(up!, x);
      case 4: // upper right corner: from the left down
        this.#down[x] = this.#follow(left!, x);
        return undefined;
      case 11: // a hole's upper right corner: from below to the left
        this.#down[x] = this.#lead(left!, x);
        return undefined;
      case 8: // upper left corner: from below to the right
      case 7: {
        // a hole's upper left corner: from the right down
        const [last, first] = this.#begin(x);
        this.#down[x] = kind === 8 ? first : last;
        return kind === 8 ? last : first;
      }
      case 9: {
        // two objects touch, upper left and lower right
        this.#join(up!, left!, x);
        const [last, first] = this.#begin(x);
        this.#down[x] = first;
        return last;
      }
      default: // 6: two objects touch, upper right and lower left
        this.#down[x] = this.#follow(left!, x);
        return this.#lead(up!, x);
    }
  }

  /** Begins an outline, of one corner. */
  #begin(x: number): [last: End, first: End] {
    const node: Node = { x, y: this.#y, next: undefined };
    const first = { node } as End;
    const last: End = { node, other: first };
    first.other = last;
    return [last, first];
  }

  /** Adds a corner behind the last. */
  #follow(last: End, x: number): End {
    const node: Node = { x, y: this.#y, next: undefined };
    last.node.next = node;
    last.node = node;
    return last;
  }

  /** Adds a corner before the first. */
  #lead(first: End, x: number): End {
    first.node = { x, y: this.#y, next: first.node };
    return first;
  }

  /** Joins the outline that ends in `last`, by this corner, to the one that begins in `first`. */
  #join(last: End, first: End, x: number): void {
    const node: Node = { x, y: this.#y, next: first.node };
    last.node.next = node;
    if (last.other !== first) {
      const [start, end] = [last.other, first.other];
      start.other = end;
      end.other = start;
      return;
    }
    this.#close(node);
  }

  /**
   * Closes a ring. That happens at its lowest corner, the rightmost one of several: what lies to the upper left of it is within the ring.
   * A hole closes before the outer ring of its object, which reaches further down.
   */
  #close(node: Node): void {
    const ring: Corner[] = [[node.x, node.y]];
    for (let at = node.next!; at !== node; at = at.next!) ring.push([at.x, at.y]);
    const isHole = this.#above[node.x] === 0;
    if (isHole) this.#objects.addHole(node.x + 1, ring);
    else this.#onObject({ outer: ring, holes: this.#objects.takeHoles(node.x) });
  }
}

/** Numbers objects, which may turn out to be one further down, and keeps their holes until they are complete. */
class Objects {
  readonly #parents: number[] = [];
  /** Holes by the number of their object. */
  readonly #holes = new Map<number, Ring[]>();
  /** Objects' numbers of the pixels in the row above, and below in the row in work; only where they are inside. */
  #above: Int32Array;
  #below: Int32Array;

  constructor(width: number) {
    this.#above = new Int32Array(width + 2);
    this.#below = new Int32Array(width + 2);
  }

  add(above: Uint8Array, below: Uint8Array): void {
    [this.#above, this.#below] = [this.#below, this.#above];
    for (let x = 1; x < below.length - 1; x++) {
      if (below[x] === 0) continue;
      const fromLeft = below[x - 1] === 1 ? this.#below[x - 1] : undefined;
      const fromAbove = above[x] === 1 ? this.#above[x] : undefined;
      this.#below[x] = fromLeft ?? fromAbove ?? this.#parents.push(this.#parents.length) - 1;
      if (fromLeft !== undefined && fromAbove !== undefined && fromLeft !== fromAbove) this.#unite(fromLeft, fromAbove);
    }
  }

  /** @param at place, from 1, of one of the object's pixels in the row above. */
  addHole(at: number, ring: Ring): void {
    const object = this.#root(this.#above[at]!);
    const holes = this.#holes.get(object);
    if (holes === undefined) this.#holes.set(object, [ring]);
    else holes.push(ring);
  }

  takeHoles(at: number): readonly Ring[] {
    const object = this.#root(this.#above[at]!);
    const holes = this.#holes.get(object) ?? [];
    this.#holes.delete(object);
    return holes;
  }

  #unite(a: number, b: number): void {
    const [one, other] = [this.#root(a), this.#root(b)];
    if (one === other) return;
    const [few, many] =
      (this.#holes.get(one)?.length ?? 0) < (this.#holes.get(other)?.length ?? 0) ? [one, other] : [other, one];
    this.#parents[few] = many;
    const moved = this.#holes.get(few);
    if (moved === undefined) return;
    this.#holes.delete(few);
    const holes = this.#holes.get(many)!;
    for (const ring of moved) holes.push(ring);
  }

  #root(object: number): number {
    let at = object;
    while (this.#parents[at] !== at) {
      this.#parents[at] = this.#parents[this.#parents[at]!]!;
      at = this.#parents[at]!;
    }
    return at;
  }
}
