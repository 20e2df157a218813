// Operators of the pretend device (see pretend_device.h). An operator is run by the CPU's kernel on tensors that look at the
// same memory, and what it returns anew is taken over; views and memory are made here, as every backend makes its own.
#include "pretend_device.h"

#include <ATen/ATen.h>
#include <ATen/EmptyTensor.h>
#include <ATen/detail/HPUHooksInterface.h>
#include <ATen/ops/_reshape_alias_native.h>
#include <ATen/ops/as_strided_native.h>
#include <ATen/ops/set_native.h>
#include <ATen/ops/unfold_native.h>
#include <ATen/ops/view_native.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <torch/library.h>

#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <vector>

namespace temper::conformance {
namespace {

constexpr auto kType = c10::DeviceType::HPU;
const c10::Device kPretend(kType, 0);

struct PretendAllocator final : c10::Allocator {
  static void free_bytes(void* bytes) { std::free(bytes); }
  c10::DataPtr allocate(std::size_t size) override {
    void* bytes = std::aligned_alloc(64, (std::max<std::size_t>(size, 1) + 63) / 64 * 64);
    if (bytes == nullptr) throw std::bad_alloc();
    return {bytes, bytes, &free_bytes, kPretend};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &free_bytes; }
  void copy_data(void* to, const void* from, std::size_t count) const override { std::memcpy(to, from, count); }
};

PretendAllocator& allocator() {
  static PretendAllocator one;
  return one;
}

/// One device, one stream, no events: all is done when a call returns.
struct PretendGuard final : c10::impl::DeviceGuardImplInterface {
  c10::DeviceType type() const override { return kType; }
  c10::Device exchangeDevice(c10::Device) const override { return kPretend; }
  c10::Device getDevice() const override { return kPretend; }
  void setDevice(c10::Device) const override {}
  void uncheckedSetDevice(c10::Device) const noexcept override {}
  c10::Stream getStream(c10::Device) const override { return c10::Stream(c10::Stream::DEFAULT, kPretend); }
  c10::Stream getDefaultStream(c10::Device) const override { return c10::Stream(c10::Stream::DEFAULT, kPretend); }
  c10::Stream exchangeStream(c10::Stream) const override { return c10::Stream(c10::Stream::DEFAULT, kPretend); }
  void record(void**, const c10::Stream&, const c10::DeviceIndex, const c10::EventFlag) const override {}
  bool queryEvent(void*) const override { return true; }
  void destroyEvent(void*, const c10::DeviceIndex) const noexcept override {}
  c10::DeviceIndex deviceCount() const noexcept override { return 1; }
};

struct PretendHooks final : at::HPUHooksInterface {
  void init() const override {}
  bool hasHPU() const override { return true; }
  bool isBuilt() const override { return true; }
  bool isAvailable() const override { return true; }
  c10::DeviceIndex deviceCount() const override { return 1; }
  c10::DeviceIndex getCurrentDevice() const override { return 0; }
  c10::DeviceIndex exchangeDevice(c10::DeviceIndex) const override { return 0; }
  c10::DeviceIndex maybeExchangeDevice(c10::DeviceIndex) const override { return 0; }
  bool hasPrimaryContext(c10::DeviceIndex) const override { return true; }
};

bool pretends(const at::Tensor& tensor) { return tensor.defined() && tensor.device().type() == kType; }

/// A CPU tensor over the same memory. Without elements it has memory of its own, which an output may grow into.
at::Tensor on_cpu(const at::Tensor& tensor) {
  const auto options = tensor.options().device(c10::kCPU).requires_grad(false);
  if (tensor.numel() == 0) return at::empty(tensor.sizes(), options);
  return at::from_blob(tensor.data_ptr(), tensor.sizes(), tensor.strides(), options);
}

at::Tensor empty_strided(at::IntArrayRef sizes, at::IntArrayRef strides, at::ScalarType type) {
  return at::detail::empty_strided_generic(sizes, strides, &allocator(), c10::DispatchKeySet(c10::DispatchKey::HPU), type);
}

at::Tensor taken_over(const at::Tensor& cpu) {
  at::Tensor made = empty_strided(cpu.sizes(), cpu.strides(), cpu.scalar_type());
  if (cpu.numel() > 0) on_cpu(made).copy_(cpu);
  return made;
}

/// The arguments of one call, and what stands for them on the CPU.
class Call {
 public:
  explicit Call(std::string name) : name_(std::move(name)) {}

  at::Tensor in(const at::Tensor& tensor) {
    if (!tensor.defined()) return tensor;
    if (pretends(tensor)) {
      originals_.push_back(tensor);
      stand_ins_.push_back(on_cpu(tensor));
      return stand_ins_.back();
    }
    // Single numbers may come from the CPU; a GPU's kernels take them too.
    if (tensor.dim() > 0) foreign_ = true;
    return tensor;
  }

  void check() const {
    if (!foreign_ || originals_.empty()) return;
    throw std::runtime_error("operator " + name_ + " got tensors of two devices");
  }

  at::Tensor out(const at::Tensor& result) {
    if (!result.defined()) return result;
    for (std::size_t i = 0; i < stand_ins_.size(); ++i) {
      if (result.is_same(stand_ins_[i])) return originals_[i];
    }
    return taken_over(result);
  }

  /// Outputs that the kernel has made larger.
  void write_back() {
    for (std::size_t i = 0; i < stand_ins_.size(); ++i) {
      if (stand_ins_[i].sizes() == originals_[i].sizes()) continue;
      const at::Tensor grown = taken_over(stand_ins_[i]);
      originals_[i].unsafeGetTensorImpl()->set_storage_and_dtype(grown.storage(), grown.dtype());
      originals_[i].unsafeGetTensorImpl()->set_sizes_and_strides(grown.sizes(), grown.strides());
    }
  }

 private:
  std::string name_;
  std::vector<at::Tensor> originals_, stand_ins_;
  bool foreign_ = false;
};

void run_on_cpu(const c10::OperatorHandle& op, torch::jit::Stack* stack) {
  Call call(op.schema().name());
  const std::size_t count = op.schema().arguments().size(), first = stack->size() - count;
  for (std::size_t i = first; i < stack->size(); ++i) {
    c10::IValue& value = (*stack)[i];
    if (value.isTensor()) {
      value = call.in(value.toTensor());
    } else if (value.isTensorList()) {
      std::vector<at::Tensor> list;
      for (const at::Tensor& tensor : value.toTensorVector()) list.push_back(call.in(tensor));
      value = c10::IValue(list);
    } else if (value.isOptionalTensorList()) {
      c10::List<std::optional<at::Tensor>> list;
      for (const std::optional<at::Tensor>& tensor : value.toOptionalTensorVector()) {
        list.push_back(tensor ? std::optional<at::Tensor>(call.in(*tensor)) : std::nullopt);
      }
      value = c10::IValue(list);
    } else if (value.isDevice()) {
      value = c10::IValue(c10::Device(c10::kCPU));
    }
  }
  call.check();
  op.redispatchBoxed(c10::DispatchKeySet(c10::DispatchKey::CPU), stack);
  call.write_back();
  const std::size_t results = op.schema().returns().size();
  for (std::size_t i = stack->size() - results; i < stack->size(); ++i) {
    c10::IValue& value = (*stack)[i];
    if (value.isTensor()) {
      value = call.out(value.toTensor());
    } else if (value.isTensorList()) {
      std::vector<at::Tensor> list;
      for (const at::Tensor& tensor : value.toTensorVector()) list.push_back(call.out(tensor));
      value = c10::IValue(list);
    }
  }
}

at::Tensor empty_memory_format(c10::IntArrayRef size, std::optional<at::ScalarType> type, std::optional<at::Layout>,
                               std::optional<at::Device>, std::optional<bool>, std::optional<at::MemoryFormat> format) {
  return at::detail::empty_generic(size, &allocator(), c10::DispatchKeySet(c10::DispatchKey::HPU),
                                   c10::dtype_or_default(type), format);
}

at::Tensor empty_with_strides(c10::IntArrayRef size, c10::IntArrayRef stride, std::optional<at::ScalarType> type,
                              std::optional<at::Layout>, std::optional<at::Device>, std::optional<bool>) {
  return empty_strided(size, stride, c10::dtype_or_default(type));
}

/// The one operator that may cross between the devices.
at::Tensor& copy_between(at::Tensor& to, const at::Tensor& from, bool) {
  const at::Tensor source = pretends(from) ? on_cpu(from) : from;
  if (pretends(to)) {
    on_cpu(to).copy_(source);
  } else {
    to.copy_(source);
  }
  return to;
}

const at::Tensor& resize_in_place(const at::Tensor& tensor, c10::IntArrayRef size, std::optional<at::MemoryFormat>) {
  const at::Tensor grown = at::empty(size, tensor.options());
  const std::int64_t kept = std::min(grown.numel(), tensor.numel());
  if (kept > 0) on_cpu(grown).flatten().narrow(0, 0, kept).copy_(on_cpu(tensor).flatten().narrow(0, 0, kept));
  tensor.unsafeGetTensorImpl()->set_storage_and_dtype(grown.storage(), grown.dtype());
  tensor.unsafeGetTensorImpl()->set_sizes_and_strides(grown.sizes(), grown.strides());
  return tensor;
}

/// Attention by plain operators: fused kernels differ from device to device.
std::int64_t choose_attention(const at::Tensor&, const at::Tensor&, const at::Tensor&, const std::optional<at::Tensor>&,
                              double, bool, std::optional<double>, bool) {
  return 0;
}

/// Known to LibTorch from here to the end of the process.
struct PretendBackend {
  PretendBackend() {
    c10::impl::registerDeviceGuard(kType, &guard);
    c10::SetAllocator(kType, &allocator());
    at::HPUHooksRegistry()->Register("HPUHooks", [](at::HPUHooksArgs) -> std::unique_ptr<at::HPUHooksInterface> {
      return std::make_unique<PretendHooks>();
    });
    any.fallback(torch::CppFunction::makeFromBoxedFunction<&run_on_cpu>());
    aten.impl("empty.memory_format", &empty_memory_format);
    aten.impl("empty_strided", &empty_with_strides);
    aten.impl("copy_", &copy_between);
    aten.impl("resize_", &resize_in_place);
    aten.impl("as_strided", &at::native::as_strided_tensorimpl);
    aten.impl("_fused_sdp_choice", &choose_attention);
    aten.impl("view", &at::native::view);
    aten.impl("_reshape_alias", &at::native::_reshape_alias);
    aten.impl("unfold", &at::native::unfold);
  }

  PretendGuard guard;
  torch::Library any{torch::Library::IMPL, "_", c10::DispatchKey::HPU, __FILE__, __LINE__};
  torch::Library aten{torch::Library::IMPL, "aten", c10::DispatchKey::HPU, __FILE__, __LINE__};
};

}  // namespace

c10::Device pretend_device() {
  static const auto* backend = new PretendBackend;  // never taken back: tensors may outlive everything
  return backend != nullptr ? kPretend : c10::Device(c10::kCPU);
}

}  // namespace temper::conformance
