// @name@: an architecture to start from. Every position sees its own token and the mean of the tokens so far in its
// document; a feed-forward layer turns that into the hidden state. Replace hidden() by your own idea.
// Shapes: B rows, T positions, D d_model, F feed-forward width, V vocabulary.
#include "temper/plugin.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

#include "temper/architecture.h"

namespace temper {
namespace {

struct @Name@Params {
  std::int64_t d_model = 256;
  double init_std = 0.02;
};

ParamTable<@Name@Params> params_table() {
  using P = @Name@Params;
  ParamTable<P> table;
  table.add("d_model", &P::d_model, "Width of the hidden states.", {.min = 8, .max = 16384, .unit = "channels"});
  table.add("init_std", &P::init_std, "Standard deviation of the initial weights.", {.min = 0, .max = 1});
  return table;
}

class @Name@ final : public Architecture {
 public:
  @Name@(const @Name@Params& params, const Args& args) : params_(params), vocab_size_(args.vocab_size) {
    // A generator of its own: equal seeds give equal weights, and nobody else's random numbers change.
    auto generator = at::detail::createCPUGenerator(args.seed);
    const auto matrix = [&](std::int64_t rows, std::int64_t columns) {
      return at::normal(0.0, params_.init_std, {rows, columns}, generator, at::TensorOptions().dtype(at::kFloat))
          .requires_grad_();
    };
    const std::int64_t width = params_.d_model;
    embedding_VD_ = matrix(vocab_size_, width);
    up_FD_ = matrix(4 * width, width);
    down_DF_ = matrix(width, 4 * width);
    norm_D_ = at::ones({width}, at::TensorOptions().dtype(at::kFloat)).requires_grad_();
  }

  ArchitectureTraits traits() const override { return {false, vocab_size_, params_.d_model, 0}; }

  at::Tensor hidden(const ModelInput& input) override {
    if (input.source_ids_BS.defined()) {
      throw ConfigError("architecture @name@ is decoder-only but was given encoder input; choose another objective");
    }
    const std::int64_t length = input.ids_BT.size(1);
    const at::Tensor x_BTD = at::embedding(embedding_VD_, input.ids_BT);
    // Position t may look at positions 0 .. t of its own document only.
    at::Tensor allowed_BTT = at::ones({1, length, length}, x_BTD.options().requires_grad(false)).tril();
    if (input.segments_BT.defined()) {
      allowed_BTT = allowed_BTT * (input.segments_BT.unsqueeze(2) == input.segments_BT.unsqueeze(1)).to(at::kFloat);
    }
    const at::Tensor mean_BTD = at::matmul(allowed_BTT / allowed_BTT.sum(2, true), x_BTD);
    const at::Tensor y_BTD = normalise(x_BTD + mean_BTD);
    const at::Tensor z_BTF = at::gelu(at::linear(y_BTD, up_FD_), "tanh");
    return normalise(y_BTD + at::linear(z_BTF, down_DF_));
  }

  at::Tensor head() override { return embedding_VD_; }

  std::vector<NamedParameter> parameters() override {
    return {{"embedding.weight", embedding_VD_, true},
            {"up.weight", up_FD_, true},
            {"down.weight", down_DF_, true},
            {"norm.weight", norm_D_, false}};
  }
  std::vector<WeightName> weight_names() const override { return {}; }
  void train(bool on) override { training_ = on; }
  bool is_training() const override { return training_; }
  double train_flops_per_token(std::int64_t context) const override {
    const auto width = static_cast<double>(params_.d_model);
    const double weights = 8 * width * width + width * static_cast<double>(vocab_size_);
    return 6 * (weights + width * static_cast<double>(context));
  }
  std::vector<std::pair<std::string, std::string>> tiny_preset() const override { return {{"d_model", "32"}}; }

 private:
  at::Tensor normalise(const at::Tensor& x) const { return at::layer_norm(x, {params_.d_model}, norm_D_); }

  @Name@Params params_;
  std::int64_t vocab_size_;
  bool training_ = false;
  at::Tensor embedding_VD_, up_FD_, down_DF_, norm_D_;
};

}  // namespace
}  // namespace temper

TEMPER_PLUGIN("@name@", "0.1.0") {
  using namespace temper;
  registrar.add<Architecture>("@name@", "Feed-forward layer over each token and the mean of those before it.", params_table(),
                              [](const @Name@Params& params, const Architecture::Args& args) {
                                return std::make_unique<@Name@>(params, args);
                              });
}
