// Files for Hugging Face (see export.h). Its libraries refuse unknown keys, so what temper adds goes to the second file.
#include "export.h"

#include "json_fields.h"

namespace temper::hf_bpe_plugin {
namespace {

using nlohmann::json;

/// A rule that puts BOS in front of every text, where the file has none.
json bos_rule(const std::string& bos, std::int32_t id) {
  const json begin = {{"SpecialToken", {{"id", bos}, {"type_id", 0}}}};
  const auto sequence = [](const char* name) { return json{{"Sequence", {{"id", name}, {"type_id", 0}}}}; };
  return {{"type", "TemplateProcessing"},
          {"single", {begin, sequence("A")}},
          {"pair", {begin, sequence("A"), begin, sequence("B")}},
          {"special_tokens", {{bos, {{"id", bos}, {"ids", {id}}, {"tokens", {bos}}}}}}};
}

json made_config(const ModelFile& model) {
  const auto piece = [&](std::int32_t id) { return model.tokens[static_cast<std::size_t>(id)].piece; };
  const Facts& facts = model.facts;
  json config = {{"tokenizer_class", "PreTrainedTokenizerFast"},
                 {"clean_up_tokenization_spaces", false},
                 {"eos_token", piece(facts.eos_ids.front())}};
  if (facts.bos_id >= 0) config["bos_token"] = piece(facts.bos_id);
  // A byte of the text can only stand in for padding here, where it is masked; elsewhere it would become a special token.
  if (model.raw_tokens.has(facts.pad_id) || model.normalized_tokens.has(facts.pad_id)) {
    config["pad_token"] = piece(facts.pad_id);
  }
  if (!facts.chat_template.empty()) config["chat_template"] = facts.chat_template;
  return config;
}

}  // namespace

std::vector<std::pair<std::string, std::string>> export_files(const std::string& json_text, const ModelFile& model) {
  json document = parse_json(json_text, "the tokenizer");
  json config = field(field(document, "temper"), "tokenizer_config");
  if (!config.is_object()) config = made_config(model);
  document.erase("temper");
  const auto& facts = model.facts;
  if (facts.bos_id >= 0 && field(document, "post_processor").is_null()) {
    document["post_processor"] = bos_rule(model.tokens[static_cast<std::size_t>(facts.bos_id)].piece, facts.bos_id);
  }
  return {{"tokenizer.json", document.dump()}, {"tokenizer_config.json", config.dump(2)}};
}

}  // namespace temper::hf_bpe_plugin
