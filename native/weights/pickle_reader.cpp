#include "weights/pickle_reader.h"

#include <ATen/ATen.h>
#include <caffe2/serialize/read_adapter_interface.h>

#include <algorithm>
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

// LibTorch's own reader opens the file by its name, which may be another one by then, and calls a shortage of
// file descriptors a damaged file.
class Adapter final : public caffe2::serialize::ReadAdapterInterface {
 public:
  explicit Adapter(std::shared_ptr<const ReadFile> file) : file_(std::move(file)) {}

  size_t size() const override { return file_->size(); }
  size_t read(uint64_t position, void* into, size_t bytes, const char*) const override {
    if (position > file_->size()) return 0;
    const uint64_t there = std::min<uint64_t>(bytes, file_->size() - position);
    file_->read(into, there, position);
    return there;
  }

 private:
  std::shared_ptr<const ReadFile> file_;
};

class PickleFile final : public WeightsFile {
 public:
  explicit PickleFile(std::shared_ptr<const ReadFile> file) : path_(file->path()), file_size_(file->size()) {
    views_ = reading(path_, [&] {
      archive_ = open_archive(std::move(file));
      if (archive_->hasRecord("constants.pkl"))
        throw Error(
            "SAM_BAD_CHECKPOINT",
            path_ + " is TorchScript, not weights: an image encoder of that kind goes with `encoder`");
      check_byte_order();
      const auto [pickle, size] = record("data.pkl");
      return unpickle_state_dict({static_cast<const char*>(pickle.get()), size});
    });
    if (views_.empty())
      throw Error("SAM_BAD_CHECKPOINT",
                  path_ +
                      " holds no weights: neither it nor its 'model' or 'state_dict' maps names "
                      "to tensors; save model.state_dict()");
    for (const auto& [name, view] : views_) tensors_[name] = {view.storage.dtype, view.shape};
  }

  at::Tensor read(const std::string& name) override {
    const TensorView& view = views_.at(name);
    return reading(path_, [&] {
      auto [pointer, size] = record("data/" + view.storage.key);
      const auto data = std::make_shared<at::DataPtr>(std::move(pointer));
      const auto elements = static_cast<int64_t>(size / c10::elementSize(view.storage.dtype));
      require_room(view, elements);
      // as_strided checks the bounds.
      return at::from_blob(
                 data->get(), {elements}, [data](void*) {}, at::TensorOptions(view.storage.dtype))
          .as_strided(view.shape, view.strides, view.offset)
          .contiguous();
    });
  }

 private:
  // torch.save doesn't compress: no record is larger than the file.
  std::tuple<at::DataPtr, size_t> record(const std::string& name) {
    if (archive_->getRecordSize(name) > file_size_) throw Malformed(name + " is larger than the file");
    return archive_->getRecord(name);
  }

  // A view may repeat its storage without end, by strides of 0. State dicts don't.
  static void require_room(const TensorView& view, int64_t elements) {
    int64_t room = elements;
    for (const int64_t side : view.shape) {
      if (side <= 0) return;  // nothing, or what as_strided refuses
      room /= side;
    }
    if (room == 0 && elements > 0) throw Malformed("a tensor is larger than its data");
  }

  void check_byte_order() {
    if (!archive_->hasRecord("byteorder")) return;
    const auto [order, length] = record("byteorder");
    if (std::string_view(static_cast<const char*>(order.get()), length) == "big")
      throw Malformed("it is big-endian");
  }

  std::string path_;
  uint64_t file_size_;
  std::unique_ptr<caffe2::serialize::PyTorchStreamReader> archive_;
  TensorViews views_;
};

}  // namespace

std::unique_ptr<WeightsFile> open_pickle(std::shared_ptr<const ReadFile> file) {
  return std::make_unique<PickleFile>(std::move(file));
}

std::unique_ptr<caffe2::serialize::PyTorchStreamReader> open_archive(std::shared_ptr<const ReadFile> file) {
  return std::make_unique<caffe2::serialize::PyTorchStreamReader>(std::make_shared<Adapter>(std::move(file)));
}

}  // namespace sam
