#include "weights/model_weights.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "error.h"
#include "text.h"
#include "weights/finite.h"

namespace sam {
namespace {

// Names in one message; a file of another model can have hundreds.
constexpr size_t kMostNamed = 12;

std::vector<std::string> keys_of(const WeightsFile& file) {
  std::vector<std::string> keys;
  for (const auto& [name, info] : file.tensors()) keys.push_back(name);
  return keys;
}

std::string listed(const char* what, const std::vector<std::string>& names) {
  if (names.empty()) return {};
  std::string text = std::string("; ") + what + " ";
  for (size_t i = 0; i < std::min(names.size(), kMostNamed); ++i) text += (i ? ", " : "") + names[i];
  if (names.size() > kMostNamed) text += " and " + std::to_string(names.size() - kMostNamed) + " more";
  return text;
}

}  // namespace

ModelWeights::ModelWeights(const std::string& path) : ModelWeights(path, open_weights(path)) {}

ModelWeights::ModelWeights(const std::string& path, std::unique_ptr<WeightsFile> file)
    : path_(path), file_(std::move(file)), names_(read_names(keys_of(*file_), path)) {}

const std::vector<int64_t>* ModelWeights::shape(const std::string& name) const {
  const auto found = names_.stored.find(name);
  return found == names_.stored.end() ? nullptr : &file_->tensors().at(found->second.front()).shape;
}

std::vector<std::string> ModelWeights::names(const std::string& prefix) const {
  std::vector<std::string> found;
  for (auto at = names_.stored.lower_bound(prefix);
       at != names_.stored.end() && at->first.starts_with(prefix); ++at)
    found.push_back(at->first);
  return found;
}

bool ModelWeights::has(const std::string& prefix) const {
  const auto at = names_.stored.lower_bound(prefix);
  return at != names_.stored.end() && at->first.starts_with(prefix);
}

at::Tensor ModelWeights::read_stored(const std::string& name) {
  const auto found = names_.stored.find(name);
  if (found == names_.stored.end()) throw Error("SAM_BAD_CHECKPOINT", path_ + " lacks the tensor " + name);
  const std::vector<std::string>& stored = found->second;
  at::Tensor tensor = file_->read(stored.front());
  for (size_t i = 1; i < stored.size(); ++i)
    if (!file_->read(stored[i]).equal(tensor))
      throw Error("SAM_BAD_CHECKPOINT", path_ + " holds two positional matrices that differ: " +
                                            stored.front() + " and " + stored[i]);
  return tensor;
}

at::Tensor ModelWeights::read(const std::string& name) {
  at::Tensor tensor = read_stored(name).to(at::kFloat);
  require_finite(tensor, names_.stored.at(name).front(), path_);
  return tensor;
}

void ModelWeights::require(const Shapes& needed, const std::vector<std::string>& prefixes,
                           const std::string& hint) const {
  std::vector<std::string> missing, misshapen, unexpected;
  for (const auto& [name, wanted] : needed) {
    const std::vector<int64_t>* found = shape(name);
    if (!found) {
      missing.push_back(name);
    } else if (*found != wanted) {
      misshapen.push_back(names_.stored.at(name).front() + " is " + shape_text(*found) + " instead of " +
                          shape_text(wanted));
    }
  }
  for (const std::string& prefix : prefixes)
    for (const std::string& name : names(prefix))
      if (!needed.contains(name)) unexpected.push_back(names_.stored.at(name).front());
  if (missing.empty() && misshapen.empty() && unexpected.empty()) return;
  throw Error("SAM_BAD_CHECKPOINT", path_ + " does not fit SAM" + listed("it lacks", missing) +
                                        listed("of another shape:", misshapen) +
                                        listed("not known:", unexpected) + (hint.empty() ? "" : "; " + hint));
}

}  // namespace sam
