// Leading and following (see followers.h). Messages are JSON objects with a "do".
#include "host/run/followers.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "host/device/device.h"
#include "host/infer/generator.h"
#include "host/infer/scorer.h"
#include "host/infer/shared_inference.h"
#include "host/plugin/guard.h"
#include "host/run/eval_context.h"
#include "host/run/model_lender.h"
#include "host/run/model_store.h"
#include "host/run/record_rows.h"
#include "host/run/stage_context.h"
#include "host/run/stage_keys.h"
#include "host/util/cancel.h"
#include "temper/evaluator.h"
#include "temper/hash.h"
#include "temper/stage.h"

namespace temper {
namespace fs = std::filesystem;
namespace {

using Json = nlohmann::json;
using Fingerprint = std::function<std::string(const std::string& dataset)>;

void tell(Group* group, const Json& message) {
  if (group != nullptr) group->tell(message.dump());
}

/// What has to be the same in every process.
Json identity_of(const Experiment& experiment, const Registry& registry, const Fingerprint& fingerprint) {
  Json identity = {{"the program", program_sha256()}, {"the experiment", resolved_hash(experiment)}};
  for (const auto& row : plugin_rows(experiment, registry)) identity["plugin " + row.kind + " " + row.id] = row.sha256;
  for (const auto& slot : experiment.datasets) identity["dataset " + slot.name] = fingerprint(slot.name);
  return identity;
}

/// All ranks come to the same result, so all of them stop.
void compare_identities(Group& group, const Json& mine) {
  const auto all = group.all_gather(mine.dump());
  const Json first = Json::parse(all.front());
  for (std::size_t rank = 1; rank < all.size(); ++rank) {
    const Json other = Json::parse(all[rank]);
    for (const auto& [what, value] : first.items()) {
      if (other.value(what, "") == value.get<std::string>()) continue;
      throw ConfigError("rank " + std::to_string(rank) + " has another version of " + what + " than rank 0 (sha256 " +
                        other.value(what, "missing").substr(0, 12) + " instead of " +
                        value.get<std::string>().substr(0, 12) + "); give all ranks the same files");
    }
  }
}

/// Rank 0's words for a stage: the same context, on a record that nobody keeps.
void follow_stage(Group& group, const Experiment& experiment, const Registry& registry, const RunNews& news,
                  c10::Device device, RunRecord& scratch, RunAssets& assets, TerminalProgress& progress,
                  const Json& message) {
  const std::string name = message.at("stage");
  const auto slot = std::find_if(experiment.stages.begin(), experiment.stages.end(),
                                 [&](const StageConfig& stage) { return stage.name == name; });
  scratch.begin_stage(name, {slot->plugin, {}, ""});
  const StageEnvironment environment{
      experiment, *slot,  registry, news.paths,  message.at("folder").get<std::string>(), {}, news.run_id, scratch, assets,
      progress,   device, &group,   news.profile};
  RunStageContext context(environment);
  const auto stage = registry.make<Stage>(slot->plugin, slot->values, {});
  guarded(slot->plugin, "run", [&] { return stage->run(context); });
  check_equal_weights(&group, context.model(), name);
}

/// The model that rank 0's evaluators ask, and this rank's share of the asking.
class Judged {
 public:
  Judged(const Experiment& experiment, const Registry& registry, const RunPaths& paths, const std::string& stage,
         RunAssets& assets, TerminalProgress& progress, c10::Device device, Group& group)
      : experiment_(experiment),
        registry_(registry),
        paths_(paths),
        stage_(stage),
        assets_(assets),
        progress_(progress),
        device_(device),
        group_(group),
        manifest_(read_manifest(paths.final_checkpoint(stage))),
        model_(load_architecture(registry, paths.final_checkpoint(stage), manifest_, device)),
        local_generator_(*model_, assets.tokenizer(), {64, cancel_requested, {}}),
        local_scorer_(*model_, assets.tokenizer(), cancel_requested),
        lender_(registry, experiment.base_dir.string(), device) {}

  void answer(const Json& message) {
    const std::string what = message.at("do"), order = message.at("order");
    if (what == "help") return help(message.at("evaluator"), order);
    const std::string reference = message.value("reference", "");
    LentModel* lent = reference.empty() ? nullptr : &lender_.model(reference);  // else of the stage that is evaluated
    if (what == "generate") {
      std::vector<GenerateRequest> requests;
      SamplingParams params;
      read_order(order, requests, params);
      SharedGenerator(lent != nullptr ? lent->generator : local_generator_, group_).generate(requests, params);
    } else {
      std::vector<ScoreRequest> requests;
      read_order(order, requests);
      SharedScorer(lent != nullptr ? lent->scorer : local_scorer_, group_).score(requests);
    }
  }

 private:
  /// The evaluator stays for its next order, and with its context the models that it has loaded.
  void help(const std::string& name, const std::string& order) {
    const auto slot = std::find_if(experiment_.evaluators.begin(), experiment_.evaluators.end(),
                                   [&](const EvaluatorConfig& each) { return each.name == name; });
    if (name != helps_) {
      const std::string base_dir = experiment_.base_dir.string();
      evaluator_ = registry_.make<Evaluator>(slot->plugin, slot->values, {base_dir});
      context_.emplace(name, stage_, experiment_.seed, *model_, manifest_.prompt_template, assets_, progress_,
                       RunEvalContext::Models{registry_, paths_, base_dir, "", device_, &group_});
      helps_ = name;
    }
    guarded(slot->plugin, "help", [&] { evaluator_->help(*context_, order); });
  }

  const Experiment& experiment_;
  const Registry& registry_;
  const RunPaths& paths_;
  std::string stage_;
  RunAssets& assets_;
  TerminalProgress& progress_;
  c10::Device device_;
  Group& group_;
  CheckpointManifest manifest_;
  std::unique_ptr<Architecture> model_;
  std::string helps_;  ///< the evaluator below; "" for none
  std::unique_ptr<Evaluator> evaluator_;
  std::optional<RunEvalContext> context_;
  BatchGenerator local_generator_;
  BatchScorer local_scorer_;
  CheckpointLender lender_;
};

}  // namespace

void begin_together(Group* group, const RunNews& news, c10::Device device, const Experiment& experiment,
                    const Registry& registry, const Fingerprint& fingerprint) {
  if (group == nullptr) return;
  tell(group, {{"do", "begin"},
               {"experiment", news.experiment_text},
               {"origin", fs::absolute(news.origin).string()},
               {"record", fs::absolute(news.paths.record).string()},
               {"folder", fs::absolute(news.paths.folder).string()},
               {"cache", fs::absolute(news.paths.cache).string()},
               {"run_id", news.run_id},
               {"threads", news.threads},
               {"profile", news.profile.string()}});
  group->use_device(device);
  compare_identities(*group, identity_of(experiment, registry, fingerprint));
}

void tell_stage(Group* group, const std::string& stage, const fs::path& folder) {
  tell(group, {{"do", "stage"}, {"stage", stage}, {"folder", fs::absolute(folder).string()}});
}

void tell_model(Group* group, const std::string& stage) { tell(group, {{"do", "model"}, {"stage", stage}}); }

void tell_generate(Group* group, const std::string& order) { tell(group, {{"do", "generate"}, {"order", order}}); }

void tell_score(Group* group, const std::string& order) { tell(group, {{"do", "score"}, {"order", order}}); }

void tell_lent(Group* group, const std::string& reference, const std::string& what, const std::string& order) {
  tell(group, {{"do", what}, {"reference", reference}, {"order", order}});
}

void tell_help(Group* group, const std::string& evaluator, const std::string& order) {
  tell(group, {{"do", "help"}, {"evaluator", evaluator}, {"order", order}});
}

void tell_end(Group* group) { tell(group, {{"do", "end"}}); }

void check_equal_weights(Group* group, Architecture& model, const std::string& stage) {
  if (group == nullptr) return;
  Sha256 hash;
  for (const auto& parameter : model.parameters()) {
    const at::Tensor tensor = parameter.tensor.detach().to(at::kCPU).contiguous();
    hash.update(tensor.const_data_ptr(), tensor.nbytes());
  }
  const auto all = group->all_gather(hash.hex());
  for (std::size_t rank = 1; rank < all.size(); ++rank) {
    if (all[rank] == all[0]) continue;
    throw Error(
        "after stage '" + stage + "' rank " + std::to_string(rank) +
            " has other weights than rank 0: its plugins do not compute the same on all ranks; run it in one process",
        1);
  }
}

void follow(Group& group, const Experiment* own, const Registry& registry) {
  const Json first = Json::parse(group.hear());
  if (first.at("do") == "end") return;
  const Experiment experiment =
      parse_experiment(first.at("experiment"), first.at("origin").get<std::string>(), {}, registry);
  const c10::Device device = open_device(experiment.device, group.ranks().local_rank);
  group.use_device(device);
  at::set_num_threads(first.at("threads"));
  RunNews news;
  news.run_id = first.at("run_id");
  news.paths.record = first.at("record").get<std::string>();
  news.paths.folder = first.at("folder").get<std::string>();
  news.paths.cache = first.at("cache").get<std::string>();
  news.profile = first.at("profile").get<std::string>();

  TerminalProgress progress(ProgressStyle::kQuiet);
  RunAssets assets(experiment, registry, news.paths.cache, progress);
  Json identity = identity_of(experiment, registry, [&](const std::string& name) { return assets.fingerprint(name); });
  if (own != nullptr) identity["the experiment"] = resolved_hash(*own);
  compare_identities(group, identity);
  RecordFacts facts;
  facts.run_id = news.run_id;
  facts.experiment = experiment.name;
  const auto scratch = RunRecord::create_unkept(facts);
  std::unique_ptr<Judged> judged;
  while (true) {
    const Json message = Json::parse(group.hear());
    const std::string what = message.at("do");
    if (what == "end") return;
    if (what == "stage") {
      judged.reset();
      follow_stage(group, experiment, registry, news, device, *scratch, assets, progress, message);
    } else if (what == "model") {
      judged =
          std::make_unique<Judged>(experiment, registry, news.paths, message.at("stage"), assets, progress, device, group);
    } else {
      judged->answer(message);
    }
  }
}

}  // namespace temper
