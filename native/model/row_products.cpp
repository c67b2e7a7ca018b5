#include "model/row_products.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include "model/autocast.h"

namespace sam {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

at::Tensor products(const at::Tensor& few, const at::Tensor& many) {
  return at::matmul(many, few.transpose(1, 2)).transpose(1, 2).contiguous();
}

struct RowProducts : torch::autograd::Function<RowProducts> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& few, const at::Tensor& many) {
    context->save_for_backward({few, many});
    return products(few, many);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor& gradient = gradients[0];
    at::Tensor few, many;
    if (context->needs_input_grad(0)) few = at::matmul(gradient, saved[1]);
    if (context->needs_input_grad(1)) many = at::matmul(gradient.transpose(1, 2), saved[0]);
    return {few, many};
  }
};

struct RowSums : torch::autograd::Function<RowSums> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& shares, const at::Tensor& many) {
    context->save_for_backward({shares, many});
    return at::matmul(shares, many);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor& gradient = gradients[0];
    at::Tensor shares, many;
    if (context->needs_input_grad(0)) shares = products(gradient, saved[1]);
    if (context->needs_input_grad(1)) many = at::matmul(saved[0].transpose(1, 2), gradient);
    return {shares, many};
  }
};

}  // namespace

at::Tensor row_products(const at::Tensor& few, const at::Tensor& many) {
  return RowProducts::apply(in_product_type(few), in_product_type(many));
}

at::Tensor row_sums(const at::Tensor& shares, const at::Tensor& many) {
  return RowSums::apply(in_product_type(shares), in_product_type(many));
}

}  // namespace sam
