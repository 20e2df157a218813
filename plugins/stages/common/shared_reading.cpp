// Orders of reading as JSON (see shared_reading.h).
#include "shared_reading.h"

#include <nlohmann/json.hpp>

#include "reference_sums.h"
#include "reward_models.h"

namespace temper::stages {
namespace {

using Json = nlohmann::json;

struct Order {
  bool rewards = false;  ///< else log-probabilities
  ModelName name;
  std::vector<Dialogue> dialogues;
};

std::string to_text(const Order& order) {
  Json dialogues = Json::array();
  for (const auto& dialogue : order.dialogues) dialogues.push_back({dialogue.prompt, dialogue.answer});
  return Json{
      {"rewards", order.rewards}, {"stage", order.name.stage}, {"reference", order.name.reference}, {"dialogues", dialogues}}
      .dump();
}

Order order_from(const std::string& text) {
  Order order;
  try {
    const Json json = Json::parse(text);
    order.rewards = json.at("rewards");
    order.name = {json.at("stage"), json.at("reference")};
    for (const auto& dialogue : json.at("dialogues")) order.dialogues.push_back({dialogue.at(0), dialogue.at(1)});
  } catch (const Json::exception& error) {
    throw PluginError(std::string("an order to read answers cannot be understood: ") + error.what());
  }
  return order;
}

/// What rank 0 and the others do alike.
at::Tensor read(EvalContext& context, const Order& order) {
  const Readers readers{context.call_others(to_text(order)), {}};
  const bool outside = !order.name.reference.empty();
  LentModel* lent = outside ? &context.models().model(order.name.reference) : nullptr;
  Architecture& model = outside ? lent->model : context.frozen_model(order.name.stage);
  const std::int64_t pad_id = (outside ? lent->tokenizer : context.tokenizer()).pad_id();
  if (!order.rewards) return sum_log_probs(model, order.dialogues, pad_id, readers);
  const RewardHead head =
      outside ? load_head(lent->kept, order.name.reference) : load_head(context.kept(order.name.stage), order.name.stage);
  return read_rewards(model, head, order.dialogues, pad_id, readers);
}

}  // namespace

at::Tensor read_rewards(EvalContext& context, const ModelName& name, const std::vector<Dialogue>& dialogues) {
  return read(context, {true, name, dialogues});
}

at::Tensor sum_log_probs(EvalContext& context, const ModelName& name, const std::vector<Dialogue>& dialogues) {
  return read(context, {false, name, dialogues});
}

void help_reading(EvalContext& context, const std::string& order) { read(context, order_from(order)); }

}  // namespace temper::stages
