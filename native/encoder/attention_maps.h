// The heads of a ViT's attention as matrices, and its relative positions.
//
// Activations are N x H x W x C; a map is one head in one window of one image.
#pragma once

#include <ATen/core/Tensor.h>

namespace sam {

// q: maps x side x side x D; k and v: maps x tokens x D.
struct Maps {
  at::Tensor q, k, v;
};

// N x down x across x side x side x 3C -> N * down * across * heads maps.
Maps maps_of(const at::Tensor& windows, int64_t heads);

// Back again: maps x side x side x D -> N x down x across x side x side x heads x D.
at::Tensor windows_of(const at::Tensor& maps, const at::Tensor& windows);

// What the distances in rows and in columns add to the scores: maps x count x side x side.
struct Positions {
  at::Tensor rows, columns;
};

// Of queries in `count` rows of the grid from `first` on, maps x count x side x D: products of (unscaled) q
// with learnt vectors, D x (2 * (2 * side - 1)).
Positions positions_of(const at::Tensor& q, const at::Tensor& table, int64_t first);

}  // namespace sam
