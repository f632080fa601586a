// The region tree in the browser: cuts, merges and splits by hand, all on small typed arrays.
// Leaves are nodes 0..n-1; merge k makes node n+k of the two nodes merges[2k], merges[2k+1].

const TYPES = {
  uint8: Uint8Array, uint16: Uint16Array, uint32: Uint32Array, int32: Int32Array, float32: Float32Array,
};

export const PRESETS = ["auto", "fine", "medium", "coarse"];

/** Read the server's block: header length, JSON header, arrays (see transfer.py). */
export function parseTree(buffer) {
  const headerLength = new DataView(buffer).getUint32(0, true);
  const text = new TextDecoder().decode(new Uint8Array(buffer, 4, headerLength));
  const header = JSON.parse(text);
  const start = 4 + headerLength;
  const arrays = {};
  for (const [name, { type, offset, length }] of Object.entries(header.arrays)) {
    arrays[name] = new TYPES[type](buffer, start + offset, length);
  }
  return new RegionTree(header, arrays);
}

export class RegionTree {
  constructor({ height, width, min_regions, parts }, arrays) {
    Object.assign(this, { height, width, minRegions: min_regions, parts });
    this.base = arrays.base;
    this.merges = arrays.merges;
    this.presets = Object.fromEntries(PRESETS.filter((name) => arrays[name]).map((name) => [name, arrays[name]]));
    this.palette = arrays.palette;
    this.nodeColours = arrays.node_colours;
    this.nLeaves = arrays.areas.length;
    this.nNodes = 2 * this.nLeaves - 1;
    this.nAllowed = 2 * this.nLeaves - min_regions; // scribbles may forbid the last merges
    this.parent = this.#parents();
    this.#gather(arrays.areas, arrays.means);
  }

  #parents() {
    const parent = new Int32Array(this.nNodes).fill(this.nNodes);
    for (let i = 0; i < this.merges.length; i++) parent[this.merges[i]] = this.nLeaves + (i >> 1);
    return parent;
  }

  /** Areas and mean colours of all nodes, from those of the leaves. */
  #gather(areas, means) {
    this.areas = new Float64Array(this.nNodes);
    this.means = new Float64Array(3 * this.nNodes);
    this.areas.set(areas);
    this.means.set(means);
    for (let node = this.nLeaves; node < this.nNodes; node++) {
      const [a, b] = this.children(node);
      const area = (this.areas[node] = this.areas[a] + this.areas[b]);
      for (let c = 0; c < 3; c++) {
        const sum = this.areas[a] * this.means[3 * a + c] + this.areas[b] * this.means[3 * b + c];
        this.means[3 * node + c] = sum / area;
      }
    }
  }

  isLeaf(node) { return node < this.nLeaves; }

  children(node) {
    const k = 2 * (node - this.nLeaves);
    return [this.merges[k], this.merges[k + 1]];
  }

  meanColour(node) { return Array.from(this.means.subarray(3 * node, 3 * node + 3), Math.round); }

  /** For each node below `limit`, its highest ancestor below `limit`. */
  #tops(limit) {
    const top = new Int32Array(limit);
    for (let node = limit - 1; node >= 0; node--) {
      const parent = this.parent[node];
      top[node] = parent < limit ? top[parent] : node;
    }
    return top;
  }

  /** The partition into `count` regions. */
  cut(count) {
    const top = this.#tops(2 * this.nLeaves - count);
    return new Partition(this, top.slice(0, this.nLeaves));
  }

  /** The automatic partition, or that of a detail: specks have joined their neighbours there. */
  preset(name) { return new Partition(this, this.presets[name]); }

  /** Which leaves lie below a node: 1 or 0 each. */
  leavesBelow(node) {
    const top = this.#tops(node + 1);
    return Uint8Array.from({ length: this.nLeaves }, (_, leaf) => (leaf <= node && top[leaf] === node ? 1 : 0));
  }
}

/** A partition: for each leaf the node that is its region; regions are numbered by smallest leaf. */
export class Partition {
  constructor(tree, nodes) {
    this.tree = tree;
    this.nodes = nodes;
    this.numberOf = new Map();
    for (const node of nodes) if (!this.numberOf.has(node)) this.numberOf.set(node, this.numberOf.size + 1);
  }

  get count() { return this.numberOf.size; }

  /** Make all regions below `node` one region. */
  merged(node) {
    const below = this.tree.leavesBelow(node);
    return new Partition(this.tree, this.nodes.map((old, leaf) => (below[leaf] ? node : old)));
  }

  /** Replace the region `node` by its two children. */
  split(node) {
    const [left, right] = this.tree.children(node);
    const inLeft = this.tree.leavesBelow(left);
    return new Partition(
      this.tree, this.nodes.map((old, leaf) => (old === node ? (inLeft[leaf] ? left : right) : old)),
    );
  }
}

/** The slider's stops: every number up to 60, then steps of some 3 %, up to all leaves. */
export function sliderStops(least, nLeaves) {
  const stops = [];
  for (let count = least; count < nLeaves; count = Math.max(count + 1, Math.round(count * (count < 60 ? 1 : 1.03)))) {
    stops.push(count);
  }
  stops.push(nLeaves);
  return stops;
}
