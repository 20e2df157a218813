// Parameters, and the four parts in turn (see memorization.h).
#include "memorization.h"

#include <algorithm>
#include <limits>

#include "canary_exposure.h"
#include "corpus_index.h"
#include "extraction.h"
#include "membership.h"
#include "memorization_sheet.h"
#include "overlap.h"

namespace temper::memorization {
namespace {

std::vector<std::int64_t> lengths_from(const std::vector<std::string>& texts) {
  std::vector<std::int64_t> lengths;
  for (const auto& text : texts) {
    const bool digits = !text.empty() && text.size() <= 6 && text.find_first_not_of("0123456789") == std::string::npos;
    if (!digits || std::stoll(text) < 1) {
      throw ConfigError("prompt_tokens holds '" + text +
                        "', must be whole numbers from 1 to 999999; write for instance [16, 48]");
    }
    lengths.push_back(std::stoll(text));
  }
  std::sort(lengths.begin(), lengths.end());
  lengths.erase(std::unique(lengths.begin(), lengths.end()), lengths.end());
  if (lengths.empty()) throw ConfigError("prompt_tokens is empty; give at least one length, for instance [16, 48]");
  return lengths;
}

void check_room(const Params& params, const ArchitectureTraits& traits) {
  if (traits.max_positions == 0) return;
  const auto need = [&](const char* names, std::int64_t prompt, std::int64_t more) {
    // BOS stands before the prompt, or EOS behind it; an encoder-decoder has the two sides apart.
    const std::int64_t needed = traits.encoder_decoder ? std::max(prompt, more) + 1 : prompt + more + 1;
    if (needed <= traits.max_positions) return;
    throw ConfigError(std::string(names) + " need " + std::to_string(needed) + " positions and the model has " +
                      std::to_string(traits.max_positions) + "; make them smaller");
  };
  if (params.windows > 0) need("prompt_tokens and continuation_tokens", params.prompts.back(), params.continuation_tokens);
  if (params.membership_documents > 0) need("membership_tokens", params.membership_tokens, 0);
  if (params.generations > 0) need("generation_tokens (with 8 tokens of opening)", 8, params.generation_tokens);
}

}  // namespace

ParamTable<Params> memorization_params() {
  ParamTable<Params> table;
  table.datasets("data", &Params::data, "Datasets that the model was trained on; their held-out documents are the control.",
                 {.required = true});
  table.datasets("canaries", &Params::canaries,
                 "Datasets with planted secrets to ask for, also to be named in data; empty asks for none.");
  table.add("windows", &Params::windows, "Training passages to extract, and as many held-out ones; 0 leaves this out.",
            {.min = 0, .max = 1e6});
  table.add("prompt_tokens", &Params::prompt_tokens, "Lengths of the prompts in front of the same continuation.",
            {.unit = "tokens"});
  table.add("continuation_tokens", &Params::continuation_tokens, "Tokens that have to be written word for word.",
            {.min = 1, .max = 1e6, .unit = "tokens"});
  table.add("tries", &Params::tries, "Answers drawn for each training prompt besides the greedy one.",
            {.min = 0, .max = 1000});
  table.add("temperature", &Params::temperature, "For tries and free answers: divides the logits before sampling.",
            {.min = 0.01, .max = 100});
  table.add("top_k", &Params::top_k, "For tries and free answers: only the k likeliest tokens may be drawn; 0 is off.",
            {.min = 0, .max = 1 << 30});
  table.add("membership_documents", &Params::membership_documents,
            "Training documents to tell from as many held-out ones; 0 leaves this out.", {.min = 0, .max = 1e6});
  table.add("membership_tokens", &Params::membership_tokens,
            "Documents are cut to this length, or to what half of the held-out ones reach, if that is less.",
            {.min = 2, .max = 1e6, .unit = "tokens"});
  table.add("min_k", &Params::min_k, "Share of the least likely tokens that min-k% looks at.", {.min = 0.001, .max = 1});
  table.add("generations", &Params::generations, "Free answers to search for training text; 0 leaves this out.",
            {.min = 0, .max = 1e6});
  table.add("generation_tokens", &Params::generation_tokens, "Longest free answer.",
            {.min = 1, .max = 1e6, .unit = "tokens"});
  table.add("long_overlap", &Params::long_overlap, "From how many tokens on a shared passage is called long.",
            {.min = 1, .max = 1e6, .unit = "tokens"});
  table.add("alternatives", &Params::alternatives,
            "Other secrets that a planted one is ranked among; all there are, if there are no more.",
            {.min = 1, .max = 1e6});
  table.add("index_mb", &Params::index_mb, "Search at most this much training text, from its start; takes five times that.",
            {.min = 1, .max = 1e6, .unit = "MB"});
  return table;
}

Memorization::Memorization(const Params& params) : params_(params) { params_.prompts = lengths_from(params.prompt_tokens); }

EvalResult Memorization::evaluate(EvalContext& context) {
  check_room(params_, context.model().traits());
  // Planted documents have their own part; among the others they would pass for passages that are repeated often.
  const auto names_of = [&](bool planted) {
    std::vector<std::string> names;
    for (const auto& name : params_.data) {
      if ((std::find(params_.canaries.begin(), params_.canaries.end(), name) != params_.canaries.end()) == planted) {
        names.push_back(name);
      }
    }
    return names;
  };
  const auto ordinary = names_of(false), planting = names_of(true);
  auto documents = planting.empty() ? std::vector<Document>{} : context.training_documents(planting, 0);
  const std::size_t planted = documents.size();
  std::vector<Document> training, held_out;
  if (!ordinary.empty()) {
    training = context.training_documents(ordinary, 0);
    held_out = context.validation_documents(ordinary, 0);
  }
  documents.insert(documents.end(), training.begin(), training.end());
  if (documents.empty()) {
    throw DataError("evaluator memorization found no training documents; name datasets with documents in 'data'");
  }
  const CorpusIndex index(documents, static_cast<std::uint64_t>(params_.index_mb) * 1000000);
  if (index.documents() < planted) {
    throw DataError("the planted documents alone are more than the " + std::to_string(params_.index_mb) +
                    " MB of index_mb; raise it, or plant fewer");
  }
  documents = {};
  // What is not indexed cannot be searched, so it is not asked for either.
  training.resize(index.documents() - planted);

  Sheet sheet(context.seed());
  measure_extraction(context, params_, training, held_out, index, sheet);
  measure_canaries(context, params_, index, sheet);
  measure_membership(context, params_, training, held_out, index, sheet);
  measure_overlap(context, params_, training, held_out, index, sheet);
  if (sheet.empty()) {
    throw DataError(
        "evaluator memorization had nothing to ask: all its parts are off, or the documents are too short (or none is held "
        "out); lower prompt_tokens and continuation_tokens, or raise validation_fraction");
  }
  if (!index.complete()) {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    sheet.number(
        {{"indexed_share", "", "Share of the training text that was searched; raise index_mb for more.", Better::kNeither},
         index.share(),
         nan,
         nan,
         nan,
         static_cast<std::int64_t>(index.documents())});
  }
  return std::move(sheet).result();
}

}  // namespace temper::memorization
