// Checks of an architecture: shapes, seeds, who may see whom, gradients. Decoding with a cache is in decoding.cpp.
// Shapes: B rows, T positions, D width, V vocabulary.
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/core/grad_mode.h>

#include <cmath>
#include <set>

#include "models.h"
#include "temper/loss.h"

namespace temper::conformance {
namespace {

constexpr std::int64_t kRows = 3, kLength = 12;

std::string sizes_text(const at::Tensor& tensor) {
  std::string text;
  for (const auto size : tensor.sizes()) text += (text.empty() ? "" : ", ") + std::to_string(size);
  return "[" + text + "]";
}

Outcome shapes(const Subject& subject) {
  const auto model = make_model(subject, subject.seed);
  model->train(false);
  const auto traits = model->traits();
  if (traits.vocab_size != kVocabulary) {
    return Outcome::fail("traits().vocab_size is " + std::to_string(traits.vocab_size) + ", it was made for " +
                         std::to_string(kVocabulary));
  }
  if (traits.width < 1) return Outcome::fail("traits().width is " + std::to_string(traits.width));
  const at::NoGradGuard guard;
  const ModelInput input = plain_input(*model, kRows, kLength, 1);
  const at::Tensor hidden_BTD = model->hidden(input), head_VD = model->head(), logits_BTV = model->logits(input);
  if (hidden_BTD.sizes() != at::IntArrayRef({kRows, kLength, traits.width})) {
    return Outcome::fail("hidden() has shape " + sizes_text(hidden_BTD) + ", must be [B, T, width]");
  }
  if (head_VD.sizes() != at::IntArrayRef({kVocabulary, traits.width})) {
    return Outcome::fail("head() has shape " + sizes_text(head_VD) + ", must be [vocab_size, width]");
  }
  if (logits_BTV.scalar_type() != at::kFloat) return Outcome::fail("logits() are not float32");
  if (model->train_flops_per_token(kLength) <= 0) return Outcome::fail("train_flops_per_token() is not positive");
  return Outcome::pass();
}

Outcome finite(const Subject& subject) {
  for (const auto& model : {make_model(subject, subject.seed), make_shaken(subject)}) {
    model->train(false);
    if (!at::isfinite(eval_logits(*model, plain_input(*model, kRows, kLength, 2))).all().item<bool>()) {
      return Outcome::fail("logits hold NaN or infinity");
    }
  }
  return Outcome::pass();
}

Outcome parameter_names(const Subject& subject) {
  const auto model = make_model(subject, subject.seed);
  std::set<std::string> names;
  std::set<const void*> tensors;
  const auto parameters = model->parameters();
  if (parameters.empty()) return Outcome::fail("parameters() is empty");
  for (const auto& parameter : parameters) {
    if (!names.insert(parameter.name).second) return Outcome::fail("two parameters are called '" + parameter.name + "'");
    if (!tensors.insert(parameter.tensor.unsafeGetTensorImpl()).second) {
      return Outcome::fail("the tensor of '" + parameter.name + "' is listed twice; a tied tensor appears once");
    }
    if (!parameter.tensor.requires_grad()) return Outcome::fail("'" + parameter.name + "' does not require a gradient");
  }
  for (const auto& weight : model->weight_names()) {
    if (names.count(weight.name) == 0)
      return Outcome::fail("weight_names() has '" + weight.name + "', which is no parameter");
  }
  return Outcome::pass();
}

Outcome same_seed(const Subject& subject) {
  const auto a = make_model(subject, 7), b = make_model(subject, 7), other = make_model(subject, 8);
  const auto of_a = a->parameters(), of_b = b->parameters(), of_other = other->parameters();
  if (of_a.size() != of_b.size()) return Outcome::fail("two models of the same values have different parameter lists");
  bool any_differs = false;
  for (std::size_t i = 0; i < of_a.size(); ++i) {
    if (!of_a[i].tensor.equal(of_b[i].tensor)) {
      return Outcome::fail("the same seed gave different weights for '" + of_a[i].name + "'");
    }
    any_differs |= !of_a[i].tensor.equal(of_other[i].tensor);
  }
  return any_differs ? Outcome::pass() : Outcome::fail("another seed gave the same weights; Args::seed is ignored");
}

Outcome eval_deterministic(const Subject& subject) {
  const auto model = make_shaken(subject);
  const ModelInput input = plain_input(*model, kRows, kLength, 3);
  const at::Tensor first = eval_logits(*model, input), second = eval_logits(*model, input);
  if (first.equal(second)) return Outcome::pass();
  return Outcome::fail("in evaluation mode the same input gave logits that differ by " +
                       number_text(difference(first, second)));
}

Outcome train_flag(const Subject& subject) {
  const auto model = make_model(subject, subject.seed);
  for (const bool on : {true, false, true}) {
    model->train(on);
    if (model->is_training() != on) return Outcome::fail("is_training() does not follow train()");
  }
  return Outcome::pass();
}

Outcome uses_context(const Subject& subject) {
  const auto model = make_shaken(subject);
  ModelInput input = plain_input(*model, 1, kLength, 4);
  const at::Tensor before = eval_logits(*model, input);
  input.ids_BT = input.ids_BT.clone();
  input.ids_BT[0][0].fill_((input.ids_BT[0][0].item<std::int64_t>() + 1) % kVocabulary);
  const at::Tensor after = eval_logits(*model, input);
  if (difference(before.select(1, kLength - 1), after.select(1, kLength - 1)) > 1e-6) return Outcome::pass();
  return Outcome::warn("the last position's logits do not depend on the first token");
}

/// Position t may depend on tokens 0 .. t only.
Outcome causal(const Subject& subject) {
  const auto model = make_shaken(subject);
  const ModelInput input = plain_input(*model, kRows, kLength, 5);
  const at::Tensor before = eval_logits(*model, input);
  for (const std::int64_t t : {std::int64_t{1}, kLength / 2, kLength - 1}) {
    ModelInput changed = input;
    changed.ids_BT = input.ids_BT.clone();
    changed.ids_BT.select(1, t).add_(1).remainder_(kVocabulary);
    const double leak = difference(before.narrow(1, 0, t), eval_logits(*model, changed).narrow(1, 0, t));
    if (leak > 1e-6) {
      return Outcome::fail("changing the token at position " + std::to_string(t) + " changed earlier logits by " +
                           number_text(leak));
    }
  }
  return Outcome::pass();
}

Outcome rows_independent(const Subject& subject) {
  const auto model = make_shaken(subject);
  const ModelInput all = plain_input(*model, kRows, kLength, 6);
  const at::Tensor together = eval_logits(*model, all);
  for (std::int64_t row = 0; row < kRows; ++row) {
    ModelInput one;
    const auto take = [&](const at::Tensor& tensor) { return tensor.defined() ? tensor.narrow(0, row, 1) : tensor; };
    one.ids_BT = take(all.ids_BT);
    one.positions_BT = take(all.positions_BT);
    one.segments_BT = take(all.segments_BT);
    one.source_ids_BS = take(all.source_ids_BS);
    one.source_segments_BS = take(all.source_segments_BS);
    const double gap = difference(eval_logits(*model, one), together.narrow(0, row, 1));
    if (gap > kRounding) {
      return Outcome::fail("row " + std::to_string(row) + " alone and in a batch differ by " + number_text(gap));
    }
  }
  return Outcome::pass();
}

/// The same document alone and padded, on the right or on the left; for an encoder also on the source.
Outcome padding(const Subject& subject) {
  const auto model = make_shaken(subject);
  const std::int64_t real = 7, pad = kLength - real;
  const ModelInput alone = plain_input(*model, 1, real, 7);
  const at::Tensor expected = eval_logits(*model, alone);
  for (const bool left : {false, true}) {
    for (const std::int64_t filler : {0, 5}) {
      ModelInput padded = alone;
      const auto fill = [&](const at::Tensor& tensor, std::int64_t value) {
        const at::Tensor padding = at::full({1, pad}, value, tensor.options());
        return left ? at::cat({padding, tensor}, 1) : at::cat({tensor, padding}, 1);
      };
      padded.ids_BT = fill(alone.ids_BT, filler);
      padded.positions_BT = fill(alone.positions_BT, 0);
      padded.segments_BT = fill(at::zeros_like(alone.ids_BT), kPaddingSegment);
      if (alone.source_ids_BS.defined()) {
        padded.source_ids_BS = fill(alone.source_ids_BS, filler);
        padded.source_segments_BS = fill(at::zeros_like(alone.source_ids_BS), kPaddingSegment);
      }
      const at::Tensor all = eval_logits(*model, padded);
      const double gap = difference(all.narrow(1, left ? pad : 0, real), expected);
      if (gap > kRounding) {
        return Outcome::fail(std::string("padding on the ") + (left ? "left" : "right") + " changed real positions by " +
                             number_text(gap));
      }
      if (!at::isfinite(all).all().item<bool>()) return Outcome::fail("padding positions hold NaN or infinity");
    }
  }
  return Outcome::pass();
}

/// Two documents in one row are what they are alone (trap P-LOSS-05).
Outcome packed(const Subject& subject) {
  const auto model = make_shaken(subject);
  const ModelInput first = plain_input(*model, 1, 5, 8), second = plain_input(*model, 1, 7, 9);
  ModelInput both;
  both.ids_BT = at::cat({first.ids_BT, second.ids_BT}, 1);
  both.positions_BT = at::cat({first.positions_BT, second.positions_BT}, 1);
  both.segments_BT = at::cat({at::zeros_like(first.ids_BT), at::ones_like(second.ids_BT)}, 1);
  if (first.source_ids_BS.defined()) {
    both.source_ids_BS = at::cat({first.source_ids_BS, second.source_ids_BS}, 1);
    both.source_segments_BS = at::cat({at::zeros_like(first.source_ids_BS), at::ones_like(second.source_ids_BS)}, 1);
  }
  const at::Tensor logits = eval_logits(*model, both);
  const double gap = std::max(difference(logits.narrow(1, 0, 5), eval_logits(*model, first)),
                              difference(logits.narrow(1, 5, 7), eval_logits(*model, second)));
  if (gap <= kRounding) return Outcome::pass();
  return Outcome::fail("two documents packed into one row change each other's logits by " + number_text(gap));
}

Outcome gradients(const Subject& subject) {
  const auto model = make_shaken(subject);
  model->train(true);
  mean_loss(*model, plain_input(*model, kRows, kLength, 10), random_ids(kRows, kLength, 11)).backward();
  for (const auto& parameter : model->parameters()) {
    const at::Tensor gradient = parameter.tensor.grad();
    if (!gradient.defined()) return Outcome::fail("parameter '" + parameter.name + "' gets no gradient");
    if (!at::isfinite(gradient).all().item<bool>()) {
      return Outcome::fail("the gradient of '" + parameter.name + "' holds NaN or infinity");
    }
    if (gradient.abs().max().item<double>() == 0) {
      return Outcome::fail("the gradient of parameter '" + parameter.name + "' is zero everywhere");
    }
  }
  return Outcome::pass();
}

/// A model that can compute its blocks again in backward gets the same gradients that way.
Outcome checkpointing(const Subject& subject) {
  const auto plain = make_shaken(subject), again = make_shaken(subject);
  if (!again->checkpoint_activations(true)) return Outcome::skip("the architecture keeps all activations");
  const ModelInput input = plain_input(*plain, kRows, kLength, 10);
  const at::Tensor labels = random_ids(kRows, kLength, 11);
  for (const auto& model : {plain.get(), again.get()}) {
    model->train(true);
    // Whatever is dropped has to be dropped again.
    at::manual_seed(5);
    mean_loss(*model, input, labels).backward();
  }
  const auto expected = plain->parameters(), found = again->parameters();
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const at::Tensor a = expected[i].tensor.grad(), b = found[i].tensor.grad();
    if (a.defined() != b.defined()) {
      return Outcome::fail("with checkpoint_activations(true), '" + expected[i].name + "' gets " +
                           (b.defined() ? "a gradient that it does not get otherwise" : "no gradient"));
    }
    if (a.defined() && difference(a, b) > kRounding * (1 + a.abs().max().item<double>())) {
      return Outcome::fail("checkpoint_activations(true) changes the gradient of '" + expected[i].name + "' by " +
                           number_text(difference(a, b)));
    }
  }
  return Outcome::pass();
}

Outcome instances_apart(const Subject& subject) {
  const auto a = make_shaken(subject), b = make_model(subject, 99);
  const ModelInput input = plain_input(*a, kRows, kLength, 12);
  const at::Tensor before = eval_logits(*a, input);
  shake(*b, 5);
  b->train(false);
  eval_logits(*b, plain_input(*b, kRows, kLength, 13));
  b->train(true);
  if (a->is_training()) return Outcome::fail("train() on one instance switched another one");
  const double gap = difference(before, eval_logits(*a, input));
  if (gap <= 1e-5) return Outcome::pass();
  return Outcome::fail("using a second instance changed the first one's logits by " + number_text(gap));
}

/// Everything a model knows is in parameters(): copied into another instance, they give the same logits.
Outcome state_complete(const Subject& subject) {
  const auto a = make_shaken(subject, 3), b = make_model(subject, 4);
  b->train(false);
  {
    const at::NoGradGuard guard;
    const auto from = a->parameters();
    auto into = b->parameters();
    for (std::size_t i = 0; i < from.size() && i < into.size(); ++i) into[i].tensor.copy_(from[i].tensor);
  }
  const ModelInput input = plain_input(*a, kRows, kLength, 14);
  const double gap = difference(eval_logits(*a, input), eval_logits(*b, input));
  if (gap == 0) return Outcome::pass();
  return Outcome::fail("a model with all parameters() copied from another gives logits that differ by " + number_text(gap) +
                       "; something it needs is not listed");
}

Outcome initial_loss(const Subject& subject) {
  const auto model = make_model(subject, subject.seed);
  model->train(false);
  const at::NoGradGuard guard;
  const double loss = mean_loss(*model, plain_input(*model, 8, kLength, 15), random_ids(8, kLength, 16)).item<double>();
  const double expected = std::log(static_cast<double>(kVocabulary));
  if (std::abs(loss - expected) < 0.5) return Outcome::pass();
  return Outcome::fail("the loss of a fresh model is " + number_text(loss) +
                       ", a guesser has ln(V) = " + number_text(expected) + "; the initial weights are too large");
}

Outcome global_seed(const Subject& subject) {
  const auto state = [] { return at::detail::getDefaultCPUGenerator().get_state().clone(); };
  const at::Tensor before = state();
  const auto model = make_model(subject, subject.seed);
  if (!state().equal(before)) return Outcome::fail("making a model changed LibTorch's global random generator");
  model->train(false);
  eval_logits(*model, plain_input(*model, kRows, kLength, 17));
  if (state().equal(before)) return Outcome::pass();
  return Outcome::fail("a forward pass in evaluation mode changed LibTorch's global random generator");
}

Outcome too_long(const Subject& subject) {
  const auto model = make_model(subject, subject.seed);
  const auto longest = model->traits().max_positions;
  if (longest == 0) return Outcome::skip("traits() gives no longest context");
  if (longest > 4096) return Outcome::skip("the longest context is too long to try");
  model->train(false);
  try {
    eval_logits(*model, plain_input(*model, 1, longest + 1, 18));
  } catch (const ConfigError&) {
    eval_logits(*model, plain_input(*model, 1, longest, 18));
    return Outcome::pass();
  }
  return Outcome::fail("a row longer than max_positions was accepted; it has to be a ConfigError");
}

/// Adam on one batch.
Outcome overfits(const Subject& subject) {
  const auto model = make_model(subject, subject.seed);
  model->train(false);
  const ModelInput input = plain_input(*model, 2, kLength, 19);
  const at::Tensor labels = random_ids(2, kLength, 20);
  auto parameters = model->parameters();
  std::vector<std::pair<at::Tensor, at::Tensor>> moments;
  for (const auto& one : parameters) moments.emplace_back(at::zeros_like(one.tensor), at::zeros_like(one.tensor));
  double first = 0, last = 0;
  for (int step = 1; step <= 120; ++step) {
    const at::Tensor loss = mean_loss(*model, input, labels);
    last = loss.item<double>();
    if (step == 1) first = last;
    loss.backward();
    const at::NoGradGuard guard;
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      auto& [mean, square] = moments[i];
      at::Tensor gradient = parameters[i].tensor.grad();
      if (!gradient.defined()) continue;
      mean.mul_(0.9).add_(gradient, 0.1);
      square.mul_(0.99).addcmul_(gradient, gradient, 0.01);
      parameters[i].tensor.addcdiv_(mean / (1 - std::pow(0.9, step)),
                                    (square / (1 - std::pow(0.99, step))).sqrt().add_(1e-8), -1e-2);
      gradient.zero_();
    }
  }
  if (last < first / 4) return Outcome::pass();
  return Outcome::fail("120 steps on one batch brought the loss from " + number_text(first) + " to " + number_text(last) +
                       " only");
}

}  // namespace

void add_architecture_checks(std::vector<Check>& checks) {
  const auto add = [&](const char* id, int level, const char* sentence, Outcome (*run)(const Subject&)) {
    checks.push_back({std::string("architecture.") + id, "architecture", level, sentence, run});
  };
  add("shape", 1, "Hidden states, head and logits have the promised shapes.", shapes);
  add("finite", 1, "Logits are finite.", finite);
  add("parameters", 1, "Parameters have unique names, appear once and require gradients.", parameter_names);
  add("seed", 1, "The same seed gives the same weights, another seed others.", same_seed);
  add("deterministic", 1, "In evaluation mode the same input gives the same bits.", eval_deterministic);
  add("train_flag", 1, "is_training() follows train().", train_flag);
  add("context", 1, "Later positions depend on earlier tokens.", uses_context);
  add("causal", 1, "No position depends on later tokens.", causal);
  add("rows", 1, "Rows of a batch do not influence one another.", rows_independent);
  add("padding", 1, "Padding changes nothing at real positions.", padding);
  add("packed", 1, "Documents packed into one row do not influence one another (P-LOSS-05).", packed);
  add("gradients", 1, "Every parameter gets a finite gradient that is not zero.", gradients);
  add("checkpointing", 1, "Computing activations again in backward changes no gradient.", checkpointing);
  add("instances", 1, "Two instances share no state.", instances_apart);
  add("state", 1, "parameters() holds everything that the logits depend on.", state_complete);
  add("initial_loss", 1, "A fresh model's loss is near ln(V).", initial_loss);
  add("global_seed", 1, "Making and evaluating a model leaves LibTorch's global generator alone.", global_seed);
  add("too_long", 1, "A row longer than max_positions is a ConfigError.", too_long);
  add("overfits", 2, "It can learn one batch by heart.", overfits);
}

}  // namespace temper::conformance
