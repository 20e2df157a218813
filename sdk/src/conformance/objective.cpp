// Checks of an objective: the examples it makes, and the loss it takes over them.
// Shapes: B rows, T positions, D width, V vocabulary.
#include "temper/objective.h"

#include <ATen/core/grad_mode.h>

#include <cmath>

#include "fakes.h"

namespace temper::conformance {
namespace {

constexpr std::int64_t kContext = 48;

/// One kind of model that the objective may serve.
struct Kind {
  bool encoder_decoder, prefix_attention;
};
constexpr Kind kKinds[] = {{false, false}, {false, true}, {true, false}};

/// The objective for one kind of model, with such a model.
struct Setting {
  ByteTokenizer tokenizer;
  std::unique_ptr<Objective> objective;
  std::unique_ptr<LookupModel> model;
  bool encoder_decoder = false;
};

std::unique_ptr<Setting> make_setting(const Subject& subject, Kind kind) {
  auto setting = std::make_unique<Setting>();
  setting->encoder_decoder = kind.encoder_decoder;
  setting->objective = subject.plugin.make<Objective>(subject.registration.id, subject.values,
                                                      {&setting->tokenizer, kind.encoder_decoder, kind.prefix_attention});
  setting->model = std::make_unique<LookupModel>(kind.encoder_decoder, subject.seed);
  return setting;
}

/// Runs `body` for each kind of model that the objective serves.
template <class Body>
Outcome for_each_setting(const Subject& subject, Body body) {
  if (const auto missing = missing_text(subject); !missing.empty()) return Outcome::skip(missing);
  std::string refusals;
  bool served = false;
  for (const Kind kind : kKinds) {
    std::unique_ptr<Setting> setting;
    try {
      setting = make_setting(subject, kind);
    } catch (const ConfigError& error) {
      refusals += std::string(refusals.empty() ? "" : "; ") + error.what();
      continue;
    }
    const Outcome outcome = body(*setting);
    if (outcome.kind != Outcome::Kind::kPass) return outcome;
    served = true;
  }
  return served ? Outcome::pass() : Outcome::fail("it refuses decoder-only and encoder-decoder models alike: " + refusals);
}

/// The i-th piece of a made-up document, with the host's BOS and EOS.
Example make_example(const Setting& setting, std::uint64_t index, std::uint64_t seed, std::int64_t cut = 0) {
  const std::int64_t length = setting.objective->piece_length(kContext) - cut;
  Rng text(derive_seed(seed, index));
  std::vector<std::int32_t> tokens = {ByteTokenizer::kBos};
  while (static_cast<std::int64_t>(tokens.size()) < length) {
    tokens.push_back(static_cast<std::int32_t>(97 + text.below(26)));
  }
  const bool ends = index % 2 == 1;
  if (ends) tokens.back() = ByteTokenizer::kEos;
  Rng rng(derive_seed(seed, {"example"}));
  return setting.objective->example({tokens, ends ? -1 : 101, true, ends}, rng);
}

Batch make_batch(const Setting& setting, std::size_t first, std::size_t count, std::uint64_t seed) {
  std::vector<Example> examples;
  for (std::size_t i = first; i < first + count; ++i) {
    examples.push_back(make_example(setting, i, seed, static_cast<std::int64_t>(i % 3)));
  }
  return pad_examples(examples, kContext, ByteTokenizer::kPad);
}

Outcome piece_length(const Subject& subject) {
  return for_each_setting(subject, [](const Setting& setting) {
    for (const std::int64_t context : {std::int64_t{16}, kContext, std::int64_t{128}, std::int64_t{1024}}) {
      std::int64_t length = 0;
      try {
        length = setting.objective->piece_length(context);
      } catch (const ConfigError& error) {
        // A long context may need more sentinels than the tokenizer of these checks has; that is for the user to mend.
        if (context > kContext) continue;
        return Outcome::fail("piece_length(" + std::to_string(context) + ") is refused: " + error.what());
      }
      if (length < 1) {
        return Outcome::fail("piece_length(" + std::to_string(context) + ") is " + std::to_string(length));
      }
    }
    return Outcome::pass();
  });
}

Outcome example_valid(const Subject& subject) {
  return for_each_setting(subject, [&](const Setting& setting) {
    for (std::uint64_t i = 0; i < 8; ++i) {
      const Example example = make_example(setting, i, subject.seed);
      const auto fail = [&](const std::string& why) { return Outcome::fail("example " + std::to_string(i) + " " + why); };
      if (example.ids.empty()) return fail("is empty");
      if (example.ids.size() != example.labels.size()) {
        return fail("has " + std::to_string(example.ids.size()) + " ids but " + std::to_string(example.labels.size()) +
                    " labels");
      }
      if (example.ids.size() > kContext || example.source.size() > kContext) return fail("is longer than the context");
      if (example.source.empty() == setting.encoder_decoder) {
        return fail(setting.encoder_decoder ? "has no source for the encoder"
                                            : "has a source, but the model has no encoder");
      }
      if (example.prefix < 0 || example.prefix > static_cast<std::int64_t>(example.ids.size())) {
        return fail("has a prefix of " + std::to_string(example.prefix) + " positions, which is not within its ids");
      }
      bool any = false;
      for (std::size_t t = 0; t < example.ids.size(); ++t) {
        const auto label = example.labels[t];
        if (example.ids[t] < 0 || example.ids[t] >= kVocabulary) return fail("has an id outside the vocabulary");
        if (label != kIgnoreLabel && (label < 0 || label >= kVocabulary)) return fail("has a label outside the vocabulary");
        any |= label != kIgnoreLabel;
      }
      for (const auto id : example.source) {
        if (id < 0 || id >= kVocabulary) return fail("has a source id outside the vocabulary");
      }
      if (!any) return fail("has no target at all");
    }
    return Outcome::pass();
  });
}

Outcome same_seed(const Subject& subject) {
  return for_each_setting(subject, [&](const Setting& setting) {
    for (std::uint64_t i = 0; i < 4; ++i) {
      const Example a = make_example(setting, i, subject.seed), b = make_example(setting, i, subject.seed);
      if (a.ids != b.ids || a.labels != b.labels || a.source != b.source || a.prefix != b.prefix) {
        return Outcome::fail("the same piece and random stream gave two different examples");
      }
    }
    return Outcome::pass();
  });
}

Outcome loss_sound(const Subject& subject) {
  return for_each_setting(subject, [&](const Setting& setting) {
    const Batch batch = make_batch(setting, 0, 4, subject.seed);
    const auto counted = (batch.labels_BT != kIgnoreLabel).sum().item<std::int64_t>();
    const SummedLoss loss = setting.objective->loss(*setting.model, batch);
    if (!loss.sum.defined() || loss.sum.numel() != 1) return Outcome::fail("the loss is no scalar");
    if (!std::isfinite(loss.sum.item<double>())) return Outcome::fail("the loss is not finite");
    if (!loss.sum.requires_grad()) return Outcome::fail("the loss is not differentiable");
    if (loss.target_tokens != counted) {
      return Outcome::fail("the loss counts " + std::to_string(loss.target_tokens) + " targets, the batch has " +
                           std::to_string(counted));
    }
    return Outcome::pass();
  });
}

Outcome masked(const Subject& subject) {
  return for_each_setting(subject, [&](const Setting& setting) {
    const Batch batch = make_batch(setting, 0, 4, subject.seed);
    const at::Tensor ignored = (batch.labels_BT == kIgnoreLabel).unsqueeze(-1);
    setting.objective->loss(*setting.model, batch).sum.backward();
    const at::Tensor gradient = setting.model->last_hidden_BTD.grad();
    if (!gradient.defined()) return Outcome::fail("no gradient reaches the hidden states");
    if (gradient.masked_select(ignored).abs().sum().item<double>() == 0) return Outcome::pass();
    return Outcome::fail("positions without a label get a gradient");
  });
}

Outcome additive(const Subject& subject) {
  return for_each_setting(subject, [&](const Setting& setting) {
    const at::NoGradGuard guard;
    const auto sum = [&](std::size_t first, std::size_t count) {
      return setting.objective->loss(*setting.model, make_batch(setting, first, count, subject.seed)).sum.item<double>();
    };
    const double whole = sum(0, 6), parts = sum(0, 2) + sum(2, 4);
    if (std::abs(whole - parts) <= 1e-4 * std::max(1.0, std::abs(whole))) return Outcome::pass();
    return Outcome::fail("the loss of a batch is " + std::to_string(whole) + ", the sum over its micro-batches " +
                         std::to_string(parts));
  });
}

Outcome uniform(const Subject& subject) {
  return for_each_setting(subject, [&](const Setting& setting) {
    const at::NoGradGuard guard;
    setting.model->head_VD.zero_();
    const SummedLoss loss = setting.objective->loss(*setting.model, make_batch(setting, 0, 4, subject.seed));
    const double mean = loss.sum.item<double>() / static_cast<double>(loss.target_tokens);
    const double expected = std::log(static_cast<double>(kVocabulary));
    if (std::abs(mean - expected) < 1e-3) return Outcome::pass();
    return Outcome::warn("a model that finds all tokens equally likely has the loss " + std::to_string(mean) +
                         " a target, cross-entropy would be ln(V) = " + std::to_string(expected));
  });
}

Outcome inputs_unchanged(const Subject& subject) {
  return for_each_setting(subject, [&](const Setting& setting) {
    const Batch batch = make_batch(setting, 0, 4, subject.seed);
    const at::Tensor ids = batch.input.ids_BT.clone(), labels = batch.labels_BT.clone();
    setting.objective->loss(*setting.model, batch).sum.backward();
    if (ids.equal(batch.input.ids_BT) && labels.equal(batch.labels_BT)) return Outcome::pass();
    return Outcome::fail("taking the loss changed the batch");
  });
}

}  // namespace

void add_objective_checks(std::vector<Check>& checks) {
  const auto add = [&](const char* id, const char* sentence, Outcome (*run)(const Subject&)) {
    checks.push_back({std::string("objective.") + id, "objective", 1, sentence, run});
  };
  add("piece_length", "A piece has at least one token at every context length.", piece_length);
  add("example", "Examples fit the context and the vocabulary, and have a target.", example_valid);
  add("seed", "The same random stream gives the same example.", same_seed);
  add("loss", "The loss is a finite, differentiable scalar and counts the labels.", loss_sound);
  add("masked", "Positions without a label get no gradient.", masked);
  add("additive", "The loss of a batch is the sum over its micro-batches.", additive);
  add("uniform", "A model that knows nothing has a loss of ln(V) a target.", uniform);
  add("inputs", "Taking the loss leaves the batch as it was.", inputs_unchanged);
}

}  // namespace temper::conformance
