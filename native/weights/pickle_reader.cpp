#include "weights/pickle_reader.h"

#include <ATen/ATen.h>
#include <caffe2/serialize/inline_container.h>

#include <string_view>
#include <utility>

#include "error.h"
#include "storage/file.h"
#include "weights/unpickler.h"

namespace sam {
namespace {

// Runs `work` on an archive; what goes wrong inside becomes a SAM_BAD_CHECKPOINT that names the file.
template <typename Work>
auto reading(const std::string& path, Work work) {
  std::string detail;
  try {
    return work();
  } catch (const Refused& refused) {
    throw Error("SAM_BAD_CHECKPOINT",
                path + " is refused: its pickle names " + refused.what() +
                    ", which no state dict needs; nothing of it was run; save model.state_dict() alone");
  } catch (const c10::OutOfMemoryError&) {
    throw;
  } catch (const c10::Error& error) {
    detail = error.what_without_backtrace();
  } catch (const Malformed& error) {
    detail = error.what();
  }
  throw Error(
      "SAM_BAD_CHECKPOINT",
      path +
          " was not written by torch.save (PyTorch 1.6 or later), or it is cut short; copy or download "
          "it again",
      detail);
}

class PickleFile final : public WeightsFile {
 public:
  explicit PickleFile(const std::string& path) : path_(path) {
    {
      const ReadFile exists(path);
    }  // its SAM_IO is clearer than LibTorch's error
    views_ = reading(path, [&] {
      archive_ = std::make_unique<caffe2::serialize::PyTorchStreamReader>(path);
      if (archive_->hasRecord("constants.pkl"))
        throw Error("SAM_BAD_CHECKPOINT",
                    path + " is TorchScript, not weights: an image encoder of that kind goes with `encoder`");
      check_byte_order();
      const auto [pickle, size] = archive_->getRecord("data.pkl");
      return unpickle_state_dict({static_cast<const char*>(pickle.get()), size});
    });
    if (views_.empty())
      throw Error("SAM_BAD_CHECKPOINT",
                  path +
                      " holds no weights: neither it nor its 'model' or 'state_dict' maps names "
                      "to tensors; save model.state_dict()");
    for (const auto& [name, view] : views_) tensors_[name] = {view.storage.dtype, view.shape};
  }

  at::Tensor read(const std::string& name) override {
    const TensorView& view = views_.at(name);
    return reading(path_, [&] {
      auto [pointer, size] = archive_->getRecord("data/" + view.storage.key);
      const auto data = std::make_shared<at::DataPtr>(std::move(pointer));
      const auto elements = static_cast<int64_t>(size / c10::elementSize(view.storage.dtype));
      // as_strided checks the bounds.
      return at::from_blob(
                 data->get(), {elements}, [data](void*) {}, at::TensorOptions(view.storage.dtype))
          .as_strided(view.shape, view.strides, view.offset)
          .contiguous();
    });
  }

 private:
  void check_byte_order() {
    if (!archive_->hasRecord("byteorder")) return;
    const auto [order, length] = archive_->getRecord("byteorder");
    if (std::string_view(static_cast<const char*>(order.get()), length) == "big")
      throw Malformed("it is big-endian");
  }

  std::string path_;
  std::unique_ptr<caffe2::serialize::PyTorchStreamReader> archive_;
  TensorViews views_;
};

}  // namespace

std::unique_ptr<WeightsFile> open_pickle(const std::string& path) {
  return std::make_unique<PickleFile>(path);
}

}  // namespace sam
