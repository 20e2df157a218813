// Losses, advantages, gradients and controllers against TRL's own numbers (tests/reference/rlhf, float64).
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "support.h"
#include "temper/policy_gradient.h"
#include "temper/preference.h"

using namespace temper;
using namespace temper::test;

namespace {

/// One case of the file: a tensor or number by name, and its settings.
struct Case {
  nlohmann::json all;

  static at::Tensor tensor(const nlohmann::json& packed) {
    const auto shape = packed.at("shape").get<std::vector<std::int64_t>>();
    return vec(packed.at("data").get<std::vector<double>>()).reshape(shape);
  }
  at::Tensor in(const char* name) const { return tensor(all.at("inputs").at(name)); }
  bool has(const char* name) const { return all.at("inputs").contains(name); }
  at::Tensor expected(const char* name) const { return tensor(all.at("expected").at(name)); }
  double number(const char* name) const { return all.at("expected").at(name).get<double>(); }
  template <typename T>
  T setting(const char* name) const {
    return all.at("settings").at(name).get<T>();
  }
};

std::vector<Case> cases_of(const std::string& function) {
  std::ifstream file(std::string(TEMPER_SOURCE_DIR) + "/tests/reference/rlhf/rlhf_reference.json");
  std::vector<Case> found;
  const nlohmann::json parsed = nlohmann::json::parse(file);
  for (const nlohmann::json& one : parsed.at("cases")) {
    if (one.at("function") == function) found.push_back(Case{one});
  }
  REQUIRE_FALSE(found.empty());
  return found;
}

template <typename T>
T named(const std::map<std::string, T>& names, const std::string& name) {
  return names.at(name);
}

KlEstimator estimator_named(const std::string& name) {
  return named<KlEstimator>(
      {{"k1", KlEstimator::kK1}, {"abs", KlEstimator::kAbs}, {"k2", KlEstimator::kK2}, {"k3", KlEstimator::kK3}}, name);
}

/// The padding of a case filled with NaN: TRL's own numbers there must not matter.
at::Tensor spoiled(const at::Tensor& values, const at::Tensor& mask) { return at::where(mask != 0, values, kNan); }

constexpr double kTolerance = 1e-9;

void check_number(double actual, double expected, double tolerance = kTolerance) {
  CHECK(actual == Approx(expected).margin(tolerance).epsilon(tolerance));
}

}  // namespace

TEST_CASE("the reward model's loss equals TRL's") {
  for (const Case& c : cases_of("bradley_terry")) {
    at::Tensor chosen = c.in("chosen").requires_grad_(), rejected = c.in("rejected").requires_grad_();
    const at::Tensor margin = c.has("margin") ? c.in("margin") : at::Tensor();
    const at::Tensor loss = bradley_terry_loss(chosen, rejected, margin, c.setting<double>("centring")).mean();
    loss.backward();
    check_close(loss, c.expected("loss"), kTolerance);
    check_close(chosen.grad(), c.expected("grad_chosen"), kTolerance);
    check_close(rejected.grad(), c.expected("grad_rejected"), kTolerance);
    const PairAccuracy accuracy = pair_accuracy(chosen, rejected);
    check_number(accuracy.accuracy, c.number("accuracy"), 1e-6);  // TRL counts in float32
    check_number(accuracy.mean_margin, c.number("margin"));
  }
}

TEST_CASE("the dpo losses equal TRL's, from tokens to gradients") {
  for (const Case& c : cases_of("dpo")) {
    const std::string kind = c.setting<std::string>("loss");
    CAPTURE(kind);
    const DpoSettings settings{named<DpoLoss>({{"sigmoid", DpoLoss::kSigmoid},
                                               {"robust", DpoLoss::kRobust},
                                               {"ipo", DpoLoss::kIpo},
                                               {"hinge", DpoLoss::kHinge}},
                                              kind),
                               c.setting<double>("beta"), c.setting<double>("label_smoothing")};
    const at::Tensor mask = c.in("mask"), reference = c.in("reference");
    at::Tensor log_probs = spoiled(c.in("log_probs"), mask).requires_grad_();
    const std::int64_t pairs = mask.size(0) / 2;
    const at::Tensor sums = masked_sum(log_probs, mask), tokens = mask.sum(1);
    const DpoTerms terms =
        dpo_loss({sums.narrow(0, 0, pairs), sums.narrow(0, pairs, pairs), reference.narrow(0, 0, pairs),
                  reference.narrow(0, pairs, pairs), tokens.narrow(0, 0, pairs), tokens.narrow(0, pairs, pairs)},
                 settings);
    terms.loss_P.mean().backward();
    check_close(terms.loss_P.mean(), c.expected("loss"), kTolerance);
    if (c.all.at("expected").contains("losses")) check_close(terms.loss_P, c.expected("losses"), kTolerance);
    check_close(log_probs.grad(), c.expected("grad"), kTolerance);
    check_number(terms.chosen_rewards_P.mean().item<double>(), c.number("chosen_reward"));
    check_number(terms.rejected_rewards_P.mean().item<double>(), c.number("rejected_reward"));
    check_number(pair_accuracy(terms.chosen_rewards_P, terms.rejected_rewards_P).accuracy, c.number("accuracy"), 1e-6);
  }
}

TEST_CASE("the kto loss equals TRL's") {
  for (const Case& c : cases_of("kto")) {
    const at::Tensor mask = c.in("mask");
    at::Tensor log_probs = spoiled(c.in("log_probs"), mask).requires_grad_();
    const at::Tensor baseline = kto_baseline(c.in("policy_mismatched"), c.in("reference_mismatched"));
    check_number(baseline.item<double>(), c.number("baseline"));
    const KtoTerms terms = kto_loss(
        masked_sum(log_probs, mask), c.in("reference"), c.in("desirable"), baseline,
        {c.setting<double>("beta"), c.setting<double>("desirable_weight"), c.setting<double>("undesirable_weight")});
    terms.loss_B.mean().backward();
    check_close(terms.loss_B.mean(), c.expected("loss"), kTolerance);
    check_close(log_probs.grad(), c.expected("grad"), kTolerance);
  }
}

TEST_CASE("ppo equals TRL's from rewards to gradients") {
  for (const Case& c : cases_of("ppo")) {
    const at::Tensor mask = c.in("mask");
    const at::Tensor old = spoiled(c.in("old"), mask), reference = spoiled(c.in("reference"), mask);
    const at::Tensor values = spoiled(c.in("values"), mask);
    const at::Tensor kl = kl_values(old, reference, mask, estimator_named(c.setting<std::string>("estimator")));
    check_close(kl, c.expected("kl"), kTolerance);
    at::Tensor rewards = token_rewards(c.in("scores"), kl, mask, c.setting<double>("kl_coefficient"));
    check_close(rewards, c.expected("rewards"), kTolerance);
    if (c.setting<bool>("whiten_rewards")) rewards = whiten(rewards, mask, Whitening::kKeepMean);
    const Advantages raw =
        generalised_advantages(rewards, values, mask, c.setting<double>("gamma"), c.setting<double>("lambda"));
    check_close(raw.returns_BR, c.expected("returns"), kTolerance);
    const at::Tensor advantages = whiten(raw.advantages_BR, mask);
    check_close(advantages, c.expected("advantages"), kTolerance);

    const double clip = c.setting<double>("clip"), value_clip = c.setting<double>("value_clip");
    at::Tensor policy = spoiled(c.in("policy"), mask).requires_grad_();
    at::Tensor predicted = spoiled(c.in("predicted"), mask).requires_grad_();
    const auto mean = [&](const at::Tensor& loss) {
      const WeightedLoss total = aggregate(loss, mask, Aggregation::kTokenMean);
      return total.sum / total.weight;
    };
    const at::Tensor actor = mean(policy_loss(policy, old, advantages, mask, {clip, clip}));
    const at::Tensor critic = mean(value_loss(predicted, values, raw.returns_BR, mask, value_clip));
    (actor + critic).backward();
    check_close(actor, c.expected("policy_loss"), kTolerance);
    check_close(critic, c.expected("value_loss"), kTolerance);
    check_close(policy.grad(), c.expected("grad_policy"), kTolerance);
    check_close(predicted.grad(), c.expected("grad_predicted"), kTolerance);
    const UpdateStats stats = update_stats(policy, old, advantages, mask, {clip, clip});
    check_number(stats.approx_kl_k2, c.number("approx_kl_k2"));
    check_number(stats.ratio, c.number("ratio"));
    check_number(stats.clip_low + stats.clip_high, c.number("clip_fraction"), 1e-6);
    check_number(value_clip_fraction(predicted, values, raw.returns_BR, mask, value_clip), c.number("value_clip_fraction"),
                 1e-6);
  }
}

TEST_CASE("the grpo losses equal TRL's in all three aggregations") {
  for (const Case& c : cases_of("grpo")) {
    const at::Tensor mask = c.in("mask"), old = spoiled(c.in("old"), mask), reference = spoiled(c.in("reference"), mask);
    at::Tensor policy = spoiled(c.in("policy"), mask).requires_grad_();
    const ClipRange clip{c.setting<double>("low"), c.setting<double>("high")};
    const at::Tensor kl = kl_loss(policy, reference, mask, KlEstimator::kK3, KlGradient::kOfEstimator);
    const double coefficient = c.setting<double>("kl_coefficient");
    const Aggregation kind = named<Aggregation>({{"sequence_mean", Aggregation::kSequenceMean},
                                                 {"token_mean", Aggregation::kTokenMean},
                                                 {"constant_length", Aggregation::kConstantLength}},
                                                c.setting<std::string>("aggregation"));
    const at::Tensor per_token = policy_loss(policy, old, c.in("advantages"), mask, clip) + coefficient * kl;
    const WeightedLoss total = aggregate(per_token, mask, kind, c.setting<std::int64_t>("length"));
    const at::Tensor loss = total.sum / total.weight;
    loss.backward();
    check_close(loss, c.expected("loss"), kTolerance);
    check_close(policy.grad(), c.expected("grad"), kTolerance);
    const UpdateStats stats = update_stats(policy, old, c.in("advantages"), mask, clip);
    check_number(stats.clip_low, c.number("clip_low"), 1e-6);
    check_number(stats.clip_high, c.number("clip_high"), 1e-6);
    if (coefficient > 0) check_number(masked_mean(kl, mask).item<double>(), c.number("kl"));
  }
}

TEST_CASE("group advantages equal the formulas of TRL's trainers") {
  for (const Case& c : cases_of("group_advantages")) {
    const auto size = c.setting<std::int64_t>("group_size");
    check_close(group_advantages(c.in("scores"), size, GroupBaseline::kGrpo), c.expected("grpo"), kTolerance);
    check_close(group_advantages(c.in("scores"), size, GroupBaseline::kDrGrpo), c.expected("dr_grpo"), kTolerance);
    check_close(group_advantages(c.in("scores"), size, GroupBaseline::kRloo), c.expected("rloo"), kTolerance);
  }
}

TEST_CASE("controller and overlong punishment equal TRL's") {
  for (const Case& c : cases_of("kl_controller")) {
    KlController controller{c.setting<double>("coefficient"), c.setting<double>("target"), c.setting<double>("horizon")};
    const at::Tensor kl = c.in("kl"), expected = c.expected("coefficients");
    for (std::int64_t i = 0; i < kl.size(0); ++i) {
      controller = KlController::restore(controller.save());
      controller.update(kl[i].item<double>(), c.setting<double>("answers"));
      check_number(controller.coefficient, expected[i].item<double>(), 1e-13);
    }
  }
  for (const Case& c : cases_of("soft_overlong")) {
    const auto longest = c.setting<std::int64_t>("longest"), cache = c.setting<std::int64_t>("cache");
    const at::Tensor penalty =
        length_penalty(c.in("lengths").to(at::kLong), {1.0 / static_cast<double>(cache), longest - cache, 1.0});
    check_close(-penalty, c.expected("punishment"));
  }
}
