// Gathering the facts beside a tokenizer.json and reading them back (see facts.h).
#include "facts.h"

#include <algorithm>

#include "files.h"
#include "json_fields.h"
#include "vocab_merges.h"

namespace temper::hf_bpe_plugin {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

/// A token is written as its text or as an object with the text as "content".
std::string token_text(const json& value) {
  if (value.is_string()) return value.get<std::string>();
  return value.is_object() && field(value, "content").is_string() ? field(value, "content").get<std::string>() : "";
}

std::int32_t id_in_document(const json& document, const std::string& content) {
  if (const auto& added = field(document, "added_tokens"); added.is_array()) {
    for (const auto& token : added) {
      if (token_text(token) == content && field(token, "id").is_number_integer()) return token["id"].get<std::int32_t>();
    }
  }
  const auto& id = field(field(field(document, "model"), "vocab"), content.c_str());
  return id.is_number_integer() ? id.get<std::int32_t>() : -1;
}

void add_ids(const json& value, std::vector<std::int32_t>& ids) {
  if (value.is_array()) {
    for (const auto& one : value) add_ids(one, ids);
  } else if (value.is_number_integer()) {
    const auto id = value.get<std::int32_t>();
    if (std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
  }
}

/// One template, or a list of named ones of which "default" counts.
std::string template_text(const json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_array()) return "";
  for (const auto& entry : value) {
    if (field(entry, "name") == "default" && field(entry, "template").is_string()) return entry["template"];
  }
  return "";
}

/// The token that the post-processor puts in front of every text; "" if it puts none.
std::string first_token(const json& processor) {
  const auto& type = field(processor, "type");
  if (type == "Sequence" && field(processor, "processors").is_array()) {
    for (const auto& part : processor["processors"]) {
      if (const auto found = first_token(part); !found.empty()) return found;
    }
  }
  if (type == "TemplateProcessing" && field(processor, "single").is_array() && !processor["single"].empty()) {
    return token_text(field(field(processor["single"].front(), "SpecialToken"), "id"));
  }
  if ((type == "RobertaProcessing" || type == "BertProcessing") && field(processor, "cls").is_array() &&
      !processor["cls"].empty()) {
    return token_text(processor["cls"].front());
  }
  return "";
}

json facts_beside(const json& document, const fs::path& folder) {
  json config = read_json_if_there(folder / "tokenizer_config.json");
  const json map = read_json_if_there(folder / "special_tokens_map.json");
  const json generation = read_json_if_there(folder / "generation_config.json"),
             model = read_json_if_there(folder / "config.json");
  const auto named = [&](const char* name) {
    const std::string own = token_text(field(config, name));
    return own.empty() ? token_text(field(map, name)) : own;
  };
  json facts = json::object();
  std::vector<std::int32_t> eos;
  if (const auto text = named("eos_token"); !text.empty()) {
    const auto id = id_in_document(document, text);
    if (id < 0) {
      throw DataError("the end token '" + text + "' that the files in " + folder.string() +
                      " name is not in tokenizer.json; take all files from one model");
    }
    eos.push_back(id);
  }
  const bool has_own = !field(generation, "eos_token_id").is_null();
  add_ids(field(has_own ? generation : model, "eos_token_id"), eos);
  if (!eos.empty()) facts["eos_ids"] = eos;
  std::string begin = first_token(field(document, "post_processor"));
  if (begin.empty() && field(config, "add_bos_token") == true) begin = named("bos_token");
  facts["bos_id"] = begin.empty() ? -1 : id_in_document(document, begin);
  const std::string pad = named("pad_token");
  facts["pad_id"] = pad.empty() ? -1 : id_in_document(document, pad);
  std::string chat = template_text(field(config, "chat_template"));
  if (const auto file = folder / "chat_template.jinja"; fs::exists(file)) chat = read_text(file);
  if (!chat.empty()) facts["chat_template"] = chat;
  if (config.is_object()) {
    config.erase("auto_map");  // names code to run
    if (!chat.empty()) config["chat_template"] = chat;
    facts["tokenizer_config"] = std::move(config);
  }
  return facts;
}

void check_id(std::int64_t id, std::int64_t size, const char* what) {
  if (id >= -1 && id < size) return;
  throw DataError("tokenizer.json: " + std::string(what) + " " + std::to_string(id) + " is not in the vocabulary of " +
                  std::to_string(size) + " tokens");
}

std::int32_t id_field(const json& object, const char* name, std::int64_t size) {
  const auto& value = field(object, name);
  if (value.is_null()) return -1;
  if (!value.is_number_integer()) {
    throw DataError("tokenizer.json: temper." + std::string(name) + " has to be a whole number, not " + shown(value));
  }
  check_id(value.get<std::int64_t>(), size, name);
  return value.get<std::int32_t>();
}

}  // namespace

json read_tokenizer_file(fs::path path) {
  fs::path folder = path.parent_path();
  if (fs::is_directory(path)) {
    folder = path;
    path /= "tokenizer.json";
  }
  const bool in_parts = !fs::exists(path) && has_vocab_and_merges(folder);
  json document = in_parts ? read_vocab_and_merges(folder) : read_json(path);
  if (!document.is_object()) throw DataError(path.string() + " is no tokenizer.json: it holds " + shown(document));
  if (!document.contains("temper")) document["temper"] = facts_beside(document, folder);
  return document;
}

Facts read_facts(const json& document, const std::function<std::int32_t(std::string_view)>& id_of, std::int64_t size) {
  const json& own = field(document, "temper");
  Facts facts;
  if (const auto& eos = field(own, "eos_ids"); !eos.is_null()) {
    for (const auto& id : list_field(own, "eos_ids", "temper")) {
      if (!id.is_number_integer()) {
        throw DataError("tokenizer.json: temper.eos_ids has to be a list of whole numbers, not " + shown(eos));
      }
      check_id(id.get<std::int64_t>() < 0 ? size : id.get<std::int64_t>(), size, "the end token");
    }
    add_ids(eos, facts.eos_ids);
  }
  if (facts.eos_ids.empty()) {
    for (const char* name : {"<|im_end|>", "<|eot_id|>", "<|endoftext|>", "<|end_of_text|>", "</s>"}) {
      if (const auto id = id_of(name); id >= 0) facts.eos_ids.push_back(id);
      if (!facts.eos_ids.empty()) break;
    }
  }
  if (facts.eos_ids.empty()) {
    throw DataError(
        "tokenizer.json does not say which token ends a text; put the model's tokenizer_config.json with "
        "eos_token beside it");
  }
  if (own.is_null()) {
    const std::string begin = first_token(field(document, "post_processor"));
    facts.bos_id = begin.empty() ? -1 : id_of(begin);
  } else {
    facts.bos_id = id_field(own, "bos_id", size);
    facts.pad_id = id_field(own, "pad_id", size);
  }
  if (const auto& chat = field(own, "chat_template"); !chat.is_null()) {
    facts.chat_template = text_field(own, "chat_template", "temper");
  }
  return facts;
}

}  // namespace temper::hf_bpe_plugin
