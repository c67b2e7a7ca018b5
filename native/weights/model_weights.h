// A file of SAM's weights seen through Hugging Face's names, whatever its own names and format are.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "weights/checkpoint_names.h"
#include "weights/weights_file.h"

namespace sam {

// Shapes that a part of the model needs, by Hugging Face's name.
using Shapes = std::map<std::string, std::vector<int64_t>>;

class ModelWeights {
 public:
  // Reads names and shapes only. Throws as open_weights and read_names.
  explicit ModelWeights(const std::string& path);
  // Of a file that is open already: `path` is for messages.
  ModelWeights(const std::string& path, std::unique_ptr<WeightsFile> file);

  const std::string& path() const { return path_; }
  NameScheme scheme() const { return names_.scheme; }
  // The shape of a tensor, or nothing where the file does not hold it.
  const std::vector<int64_t>* shape(const std::string& name) const;
  // Whether the file holds a tensor whose name begins so.
  bool has(const std::string& prefix) const;
  std::vector<std::string> names(const std::string& prefix) const;

  // fp32, on the CPU, the caller's own. Two copies of the positional matrix that differ are a
  // SAM_BAD_CHECKPOINT, as are NaN and infinity.
  at::Tensor read(const std::string& name);
  // In the file's own type.
  at::Tensor read_stored(const std::string& name);

  // SAM_BAD_CHECKPOINT with every name that is missing, unexpected (it begins with one of `prefixes`, but is
  // not in `needed`) or of another shape; `hint` is put behind.
  void require(const Shapes& needed, const std::vector<std::string>& prefixes, const std::string& hint) const;

 private:
  std::string path_;
  std::unique_ptr<WeightsFile> file_;
  CheckpointNames names_;
};

}  // namespace sam
