// Sampling and scoring by all ranks of a run: each computes its share of the requests, and all get all results, in order.
// What a request gets does not depend on its companions, so answers are those of one process alone (log-probabilities to the
// generator's and scorer's own 1e-4).
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "temper/context.h"
#include "temper/generate.h"

namespace temper {

/// Alone, the local one. Else generate() is collective, with equal requests on all ranks; `announce`, if there is one, is
/// called first, so that ranks that wait for orders come to the same call.
class SharedGenerator final : public Generator {
 public:
  using Announce = std::function<void(const std::vector<GenerateRequest>& requests, const SamplingParams& params)>;
  /// References have to outlive this.
  SharedGenerator(Generator& local, Communicator& communicator, Announce announce = {})
      : local_(local), communicator_(communicator), announce_(std::move(announce)) {}
  /// Throws Cancelled on all ranks when one of them was asked to stop.
  std::vector<Completion> generate(const std::vector<GenerateRequest>& requests, const SamplingParams& params) override;

 private:
  Generator& local_;
  Communicator& communicator_;
  Announce announce_;
};

class SharedScorer final : public Scorer {
 public:
  using Announce = std::function<void(const std::vector<ScoreRequest>& requests)>;
  SharedScorer(Scorer& local, Communicator& communicator, Announce announce = {})
      : local_(local), communicator_(communicator), announce_(std::move(announce)) {}
  std::vector<Score> score(const std::vector<ScoreRequest>& requests) override;

 private:
  Scorer& local_;
  Communicator& communicator_;
  Announce announce_;
};

/// Orders as text, for announcing them.
std::string to_order(const std::vector<GenerateRequest>& requests, const SamplingParams& params);
std::string to_order(const std::vector<ScoreRequest>& requests);
/// What an order says; throws PluginError if it is none.
void read_order(const std::string& order, std::vector<GenerateRequest>& requests, SamplingParams& params);
void read_order(const std::string& order, std::vector<ScoreRequest>& requests);

}  // namespace temper
