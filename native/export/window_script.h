// Windows of tokens as TorchScript: encoder/windows.h in the words of scripts.
#pragma once

namespace sam {

// Methods for a module with `window`, the side of its windows, and `outside`, what linear layers make of the
// zeros that stand where windows reach over the right or bottom edge. A ViT pads behind its norm: `outside`
// is the bias of the layer. A TinyViT pads before it: `outside` is what norm and layer make of zeros.
inline constexpr const char* kWindows = R"(
def window_partition(self, x: Tensor) -> Tensor:
    n, height, width, dim = x.size(0), x.size(1), x.size(2), x.size(3)
    side = self.window
    down, across = (height + side - 1) // side, (width + side - 1) // side
    if down * side > height or across * side > width:
        padded = self.outside.expand(n, down * side, across * side, dim).clone()
        padded[:, :height, :width] = x
        x = padded
    return x.reshape(n, down, side, across, side, dim).transpose(2, 3)

def window_unpartition(self, windows: Tensor, height: int, width: int) -> Tensor:
    n, down, across, side = windows.size(0), windows.size(1), windows.size(2), windows.size(3)
    x = windows.transpose(2, 3).reshape(n, down * side, across * side, -1)
    return x[:, :height, :width].contiguous()
)";

}  // namespace sam
