// Tokenizers of imported models (see source_tokenizer.h).
#include "host/convert/source_tokenizer.h"

#include <algorithm>

#include "host/convert/architecture_config.h"
#include "host/convert/gguf_tokenizer.h"
#include "host/convert/json_file.h"
#include "temper/error.h"

namespace temper {
namespace fs = std::filesystem;
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kJson = "tokenizer.json";
constexpr const char* kModels[] = {"spiece.model", "tokenizer.model"};
constexpr std::int64_t kT5Sentinels = 100;

std::string text_at(const Json& json, const char* key) {
  return json.is_object() && json.contains(key) && json[key].is_string() ? json[key].get<std::string>() : "";
}

/// "byte-level BPE", or the type that the file names.
std::string kind_of(const fs::path& path) {
  const Json json = read_json_file(path);
  const Json none;
  const Json& model = json.is_object() && json.contains("model") ? json["model"] : none;
  const std::string type = text_at(model, "type");
  // Very old files name no type; their merges give them away.
  const bool is_bpe = type == "BPE" || (type.empty() && model.is_object() && model.contains("merges"));
  const auto mentions = [&](const char* part) {
    return json.is_object() && json.contains(part) &&
           json[part].dump(-1, ' ', false, Json::error_handler_t::replace).find("\"ByteLevel\"") != std::string::npos;
  };
  if (is_bpe && (mentions("pre_tokenizer") || mentions("decoder"))) return "byte-level BPE";
  return type.empty() ? "unknown" : type;
}

SourceTokenizer made(const Registry& registry, const std::string& id,
                     const std::vector<std::pair<std::string, std::string>>& texts, const std::string& base) {
  const Registration& registration = registry.find(Tokenizer::kKind, id);
  SourceTokenizer result;
  result.id = id;
  result.values = values_from_texts(registration, texts, base);
  result.tokenizer = registry.make<Tokenizer>(id, result.values, {base});
  if (result.values.has("file")) result.values.set("file", {std::string(), ValueSource::kDefault, ""});
  return result;
}

/// T5's removed spans: how many ids above the model stand for them.
std::int64_t sentinels_of(const fs::path& folder, const Json& config) {
  if (text_at(config, "model_type") != "t5") return 0;
  const auto tokenizer = read_json_if_there(folder / "tokenizer_config.json");
  if (!tokenizer || !tokenizer->is_object() || !tokenizer->contains("extra_ids")) return kT5Sentinels;
  const Json& count = (*tokenizer)["extra_ids"];
  if (!count.is_number_unsigned())
    throw DataError("'" + (folder / "tokenizer_config.json").string() + "': extra_ids is no count");
  return count.get<std::int64_t>();
}

/// A SentencePiece model has one end token of its own; say so if the model's files name others.
void note_other_ends(const fs::path& folder, const Json& config, SourceTokenizer& made_tokenizer) {
  const auto generation = read_json_if_there(folder / "generation_config.json");
  const Json& from = generation && generation->is_object() && generation->contains("eos_token_id") ? *generation : config;
  if (!from.is_object() || !from.contains("eos_token_id")) return;
  const Json list = from["eos_token_id"].is_array() ? from["eos_token_id"] : Json::array({from["eos_token_id"]});
  const auto known = made_tokenizer.tokenizer->eos_ids();
  for (const auto& id : list) {
    if (!id.is_number_integer() || std::find(known.begin(), known.end(), id.get<std::int64_t>()) != known.end()) continue;
    made_tokenizer.notes.push_back("the model's files name the end token " + id.dump() + ", the SentencePiece model has " +
                                   std::to_string(known.at(0)) + "; only that one is used");
  }
}

}  // namespace

SourceTokenizer folder_tokenizer(const Registry& registry, const fs::path& folder, const std::string& config_json) {
  const Json config = parse_json_text(config_json, (folder / "config.json").string());
  const bool has_json = fs::exists(folder / kJson);
  const std::string kind = has_json ? kind_of(folder / kJson) : "";
  if (kind == "byte-level BPE") return made(registry, "hf_bpe", {{"file", kJson}}, folder.string());
  if (!has_json && fs::exists(folder / "vocab.json") && fs::exists(folder / "merges.txt")) {
    return made(registry, "hf_bpe", {{"file", "."}}, folder.string());
  }
  for (const char* name : kModels) {
    if (!fs::exists(folder / name)) continue;
    std::vector<std::pair<std::string, std::string>> values = {{"file", name}};
    if (const auto count = sentinels_of(folder, config); count > 0) values.emplace_back("sentinels", std::to_string(count));
    SourceTokenizer result = made(registry, "sentencepiece", values, folder.string());
    note_other_ends(folder, config, result);
    return result;
  }
  if (has_json) {
    throw DataError("'" + (folder / kJson).string() + "' is of type " + kind +
                    "; temper reads byte-level BPE from it. Put the model's SentencePiece file (spiece.model or "
                    "tokenizer.model) beside it if it has one");
  }
  throw DataError(
      "'" + folder.string() +
      "' has no tokenizer: neither tokenizer.json nor vocab.json with merges.txt nor spiece.model nor tokenizer.model");
}

SourceTokenizer gguf_source_tokenizer(const Registry& registry, const GgufFile& file) {
  const GgufTokenizer found = gguf_tokenizer(file);
  SourceTokenizer result = made(registry, found.plugin, {}, "");
  try {
    result.tokenizer->load(found.bytes);
  } catch (const DataError& error) {
    file.refuse(std::string("its tokenizer is not usable: ") + error.what());
  }
  return result;
}

}  // namespace temper
